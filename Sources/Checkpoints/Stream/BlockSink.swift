import Compression
import FileIO
import SystemPackage
import TensorCore

/// What takes the blocks of a stream: a writer, or a comparison.
protocol BlockSink: Sendable {
  /// Takes `range` of `buffer`, the bytes from `offset` on of a file of the layout.
  ///
  /// Called by several threads, for different blocks.
  func take(_ range: Range<Int>, of buffer: ByteBuffer, file: Int, offset: Int) throws

  /// Lets go of threads that wait in `take`: a block has failed.
  func stop()
}

extension BlockSink {
  /// Most sinks let nobody wait.
  func stop() {}
}

/// Writes blocks into files, and sums up the checksums that are asked for.
struct FileSink: BlockSink {
  let files: [WritableFile]
  /// Those of each file.
  let checksums: [RangeChecksums]

  func take(_ range: Range<Int>, of buffer: ByteBuffer, file: Int, offset: Int) throws {
    checksums[file].add(range, of: buffer, at: offset)
    try files[file].write(range, of: buffer, at: offset)
  }
}

/// Compares blocks with what files hold.
struct VerifyingSink: BlockSink {
  let files: [any ByteSource]
  let program: StreamProgram

  func take(_ range: Range<Int>, of buffer: ByteBuffer, file: Int, offset: Int) throws {
    // The bytes to compare and those of the file, one behind the other.
    let both = ByteBuffer(count: 2 * range.count)
    both.copy(from: buffer, range: range, to: 0)
    try files[file].read(at: offset, count: range.count, into: both, at: range.count)
    guard let place = both.firstDifference(at: 0, and: range.count, count: range.count) else {
      return
    }
    let placement = program.placement(at: offset + place, in: program.files[file])
    throw StreamError.verification(
      files[file].label, placement.map { program.weights.tensors[$0.tensor].info },
      at: offset + place)
  }
}
