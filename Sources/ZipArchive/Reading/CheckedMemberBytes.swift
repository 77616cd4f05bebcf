import Compression
import FileIO
import Synchronization
import TensorCore

/// The bytes of an archive's file, with checksums of what is read of stored members on the way.
///
/// So nothing is read twice: `checkUnchanged` compares the checksums of the members that were read with those that the
/// archive has, and reads only what is missing of members that were read in part.
final class CheckedMemberBytes: ByteSource {
  private let source: any ByteSource
  private let members: [ZipMember]
  /// What is known of the stored members, in the order of the file.
  private struct Sums {
    let members: [ZipMember]
    let checksums: RangeChecksums
  }

  /// Made with the first read: most who look at a catalogue read no data.
  private let sums = Mutex<Sums?>(nil)

  /// Reads a file with these members.
  init(_ source: any ByteSource, members: [ZipMember]) {
    self.source = source
    self.members = members
  }

  var label: String { source.label }

  func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    try source.read(at: offset, count: count, into: buffer, at: position)
    started().add(position..<position + count, of: buffer, at: offset)
  }

  /// Checks the file, and the checksums of the members of which something was read.
  ///
  /// - Throws: `ZipError` with the name of the file, and what the source throws.
  func checkUnchanged() throws {
    try source.checkUnchanged()
    guard let sums = sums.withLock({ $0 }) else { return }
    try fillGaps(of: sums.checksums)
    for (number, member) in sums.members.enumerated() {
      guard let checksum = sums.checksums.checksum(ofRange: number) else { continue }
      guard checksum == member.checksum else {
        let error = ZipError.damaged(member, "its checksum is wrong")
        throw ZipError(error.code, "\(label): \(error.description)", hint: error.hint)
      }
    }
  }

  private func fillGaps(of checksums: RangeChecksums) throws {
    var gaps: [(range: Range<Int>, number: Int)] = []
    for number in checksums.ranges.indices {
      gaps += (checksums.gaps(inRange: number) ?? []).map { ($0, number) }
    }
    if gaps.isEmpty { return }
    let values = try Checksums.compute(
      gaps.map(\.range), of: source, threads: CurrentProcess.processorCount)
    for (gap, value) in zip(gaps, values) {
      checksums.add(CRC32(value: value), of: gap.range, inRange: gap.number)
    }
  }

  private func started() -> RangeChecksums {
    sums.withLock { sums in
      if let sums { return sums.checksums }
      // Their bytes are what their checksum is of.
      let stored = members.filter { $0.method == .stored && $0.byteCount > 0 }
        .sorted { $0.dataRange.lowerBound < $1.dataRange.lowerBound }
      let checksums = RangeChecksums(stored.map(\.dataRange))
      sums = Sums(members: stored, checksums: checksums)
      return checksums
    }
  }
}
