import Compression
import FileIO
import SystemPackage
import TensorCore
import ZipArchive

/// The archive of a `.keras` file, and the HDF5 file in it.
public struct KerasArchive: Sendable {
  let archive: ZipFile
  let weights: ZipMember
  let structure: HDF5Structure

  private static let weightsName = "model.weights.h5"
  /// How much is copied at a time.
  private static let pieceSize = 1 << 20

  /// Finds the weights in an archive.
  ///
  /// - Throws: `CheckpointError` when they are not there or of another kind, `ZipError`.
  init(_ archive: ZipFile, _ file: ReadableFile) throws {
    guard let member = archive[KerasArchive.weightsName] else {
      let isNumPy = archive["model.weights.npz"] != nil
      throw CheckpointError(
        .badInput, file.path,
        isNumPy
          ? "its weights are 'model.weights.npz', which this version does not read"
          : "it has no member 'model.weights.h5'",
        hint: isNumPy
          ? "load it in Keras and save it again" : "it is no model that Keras saved, or damaged")
    }
    self.archive = archive
    weights = member
    let source: HDF5File
    if member.method == .stored {
      source = try HDF5File(file, in: member.dataRange)
    } else {
      try FreeSpace.check(needed: member.byteCount, for: ScratchFile.folder.appending("contents"))
      source = try HDF5File(
        try ScratchFile.make(size: member.byteCount, label: file.label) { scratch in
          try archive.copy(member, to: scratch)
        })
    }
    structure = HDF5Structure(source: source)
  }

  /// Writes the archive with other weights; all other members are the same.
  func write(_ contents: ReadableFile, into output: WritableFile) throws {
    let entries = try archive.members.map { member in
      member.name == weights.name
        ? try archive.entry(replacing: member, byteCount: contents.size)
        : try archive.entry(copying: member)
    }
    let layout = try ZipLayout(entries, comment: archive.comment)
    try output.reserve(layout.byteCount)
    for piece in layout.pieces { try output.write(piece.bytes, at: piece.offset) }
    var checksums: [Int: UInt32] = [:]
    for (position, member) in archive.members.enumerated() {
      let offset = layout.dataOffsets[position]
      if member.name == weights.name {
        checksums[position] = try copy(contents, 0..<contents.size, to: output, at: offset)
      } else {
        _ = try copy(archive.source, member.dataRange, to: output, at: offset)
      }
    }
    for piece in layout.patches(checksums) { try output.write(piece.bytes, at: piece.offset) }
  }

  /// Copies bytes and returns their checksum.
  private func copy(
    _ source: any ByteSource, _ range: Range<Int>, to output: WritableFile, at offset: Int
  ) throws -> UInt32 {
    var checksum = CRC32()
    let buffer = ByteBuffer(count: min(range.count, KerasArchive.pieceSize))
    var done = 0
    while done < range.count {
      let count = min(buffer.count, range.count - done)
      try source.read(at: range.lowerBound + done, count: count, into: buffer, at: 0)
      checksum.update(0..<count, of: buffer)
      try output.write(0..<count, of: buffer, at: offset + done)
      done += count
    }
    return checksum.value
  }
}
