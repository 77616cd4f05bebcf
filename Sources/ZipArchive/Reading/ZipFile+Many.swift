import Compression
import Dispatch
package import FileIO
import Synchronization
package import TensorCore

extension ZipFile {
  /// Decompresses members into a file without a name, each from a multiple of 64 on, and checks them.
  ///
  /// - Returns: the file, and where each member begins in it.
  /// - Throws: `ZipError`, `FileError` when the disk is too full.
  package func inflated(_ members: [ZipMember], label: String) throws -> (
    source: ReadableFile, offsets: [Int]
  ) {
    var offsets: [Int] = []
    var size = 0
    for member in members {
      offsets.append(size)
      let (end, isTooLarge) = size.addingReportingOverflow(member.byteCount)
      guard !isTooLarge, end < Int.max - 64 else {
        throw ZipError.damaged(member, "it has an impossible size")
      }
      // Deflate makes at most some thousand bytes of one.
      guard member.byteCount / 1100 <= member.storedByteCount else {
        throw ZipError.damaged(
          member, "\(member.storedByteCount) bytes cannot hold the \(member.byteCount) declared")
      }
      size = (end + 63) / 64 * 64
    }
    let source = try ScratchFile.make(size: size, label: label) { scratch in
      for (member, offset) in zip(members, offsets) {
        try copy(member, to: scratch, at: offset)
      }
    }
    return (source, offsets)
  }

  /// Reads all data of members and compares their checksums with those that the archive has.
  ///
  /// - Throws: `ZipError` for the first that differs, and what the source throws.
  package func verify(_ members: [ZipMember], threads: Int) throws {
    let stored = members.filter { $0.method == .stored }
    let checksums = try Checksums.compute(
      stored.map(\.dataRange), of: file, threads: threads)
    for (member, checksum) in zip(stored, checksums) where checksum != member.checksum {
      throw ZipError.damaged(member, "its checksum is wrong")
    }
    for member in members where member.method != .stored { try read(member) { _, _ in } }
  }
}

/// Checksums of many parts of a file, by several threads.
package enum Checksums {
  /// How much a thread takes at a time, and how much it reads at once.
  private static let shareSize = 8 << 20
  private static let pieceSize = 256 << 10

  /// A part of a range.
  private struct Share {
    let range: Range<Int>
    let number: Int
  }

  /// The CRC-32 of each range.
  ///
  /// - Throws: what the source throws.
  package static func compute(_ ranges: [Range<Int>], of source: any ByteSource, threads: Int)
    throws
    -> [UInt32]
  {
    let groups = shares(of: ranges)
    let results = Mutex<[Result<[UInt32], any Error>?]>(Array(repeating: nil, count: groups.count))
    let next = Atomic<Int>(0)
    let work: @Sendable () -> Void = {
      let buffer = ByteBuffer(count: pieceSize)
      while true {
        let number = next.add(1, ordering: .relaxed).oldValue
        guard number < groups.count else { return }
        let result = Result { try groups[number].map { try checksum($0.range, source, buffer) } }
        results.withLock { $0[number] = result }
      }
    }
    let threads = max(1, min(threads, groups.count))
    if threads == 1 {
      work()
    } else {
      DispatchQueue.concurrentPerform(iterations: threads) { _ in work() }
    }
    var sums = [CRC32](repeating: CRC32(), count: ranges.count)
    for (group, result) in zip(groups, results.withLock { $0 }) {
      for (share, value) in zip(group, try result?.get() ?? []) {
        sums[share.number].append(CRC32(value: value), byteCount: share.range.count)
      }
    }
    return sums.map(\.value)
  }

  /// Cuts large ranges, and puts small ones together.
  private static func shares(of ranges: [Range<Int>]) -> [[Share]] {
    var groups: [[Share]] = []
    var size = shareSize
    for (number, range) in ranges.enumerated() {
      var start = range.lowerBound
      while start < range.upperBound {
        if size >= shareSize {
          groups.append([])
          size = 0
        }
        let end = min(range.upperBound, start + shareSize - size)
        groups[groups.count - 1].append(Share(range: start..<end, number: number))
        size += end - start
        start = end
      }
    }
    return groups
  }

  private static func checksum(
    _ range: Range<Int>, _ source: any ByteSource, _ buffer: ByteBuffer
  ) throws -> UInt32 {
    var sum = CRC32()
    var position = range.lowerBound
    while position < range.upperBound {
      let count = min(buffer.count, range.upperBound - position)
      try source.read(at: position, count: count, into: buffer, at: 0)
      sum.update(0..<count, of: buffer)
      position += count
    }
    return sum.value
  }
}
