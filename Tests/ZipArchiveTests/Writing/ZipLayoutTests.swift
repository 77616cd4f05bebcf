import TensorCore
import TestSupport
import Testing

@testable import ZipArchive

@Suite struct ZipLayoutTests {
  /// The file of a layout, with the data of its entries.
  private func file(_ layout: ZipLayout, _ data: [[UInt8]], checksums: [Int: UInt32] = [:])
    -> [UInt8]
  {
    var bytes = [UInt8](repeating: ByteBuffer.filler, count: layout.byteCount)
    for (offset, data) in zip(layout.dataOffsets, data) {
      bytes.replaceSubrange(offset..<offset + data.count, with: data)
    }
    for piece in layout.pieces + layout.patches(checksums) {
      bytes.replaceSubrange(piece.offset..<piece.offset + piece.bytes.count, with: piece.bytes)
    }
    return bytes
  }

  private let data: [[UInt8]] = [[1, 2, 3], [], Array("weights".utf8)]
  private let names = ["a/data.pkl", "a/data/0", "a/é"]

  @Test(arguments: [1, 2, 64, 4096])
  func whatIsWrittenIsRead(alignment: Int) throws {
    let entries = zip(names, data).map { name, data in
      ZipEntry(name, byteCount: data.count, alignment: alignment)
    }
    let layout = try ZipLayout(entries, comment: [7, 8])
    let checksums = [0: UInt32(ZipBytes.checksum(data[0])), 2: UInt32(ZipBytes.checksum(data[2]))]
    let file = try ZipFile(file(layout, data, checksums: checksums))
    #expect(file.members.map(\.name) == names)
    #expect(file.comment == [7, 8])
    #expect(layout.dataOffsets.allSatisfy { $0 % alignment == 0 })
    #expect(file.members.map(\.dataRange.lowerBound) == layout.dataOffsets)
    for (member, data) in zip(file.members, data) {
      #expect(try file.bytes(of: member, limit: 100) == data)
    }
  }

  @Test func piecesAndDataFillTheFile() throws {
    let entries = zip(names, data).map { ZipEntry($0, byteCount: $1.count, alignment: 64) }
    let layout = try ZipLayout(entries)
    var position = 0
    for (index, piece) in layout.pieces.enumerated() {
      #expect(piece.offset == position)
      position += piece.bytes.count
      guard index < entries.count else { continue }
      #expect(layout.dataOffsets[index] == position)
      position += data[index].count
    }
    #expect(position == layout.byteCount)
  }

  /// A member by its bytes: nothing in it depends on time, user or machine.
  @Test func hasTheBytesOfTheFormat() throws {
    let layout = try ZipLayout([
      ZipEntry("a", byteCount: 1, checksum: 0x0403_0201, alignment: 64)
    ])
    let number = ZipBytes.number
    let common =
      number(20, 2) + number(0x800, 2) + number(0, 2) + number(0, 2) + number(0x21, 2)
      + [1, 2, 3, 4] + number(1, 4) + number(1, 4) + number(1, 2)
    let padding =
      Array("FB".utf8) + number(29, 2) + [UInt8](repeating: UInt8(ascii: "Z"), count: 29)
    let header = Array("PK\u{3}\u{4}".utf8) + common + number(33, 2) + Array("a".utf8) + padding
    let directory =
      Array("PK\u{1}\u{2}".utf8) + number(20, 2) + common + number(0, 2) + number(0, 2)
      + number(0, 2) + number(0, 2) + number(0, 4) + number(0, 4) + Array("a".utf8)
    let end =
      Array("PK\u{5}\u{6}".utf8) + number(0, 4) + number(1, 2) + number(1, 2) + number(47, 4)
      + number(65, 4) + number(0, 2)
    #expect(layout.pieces.map(\.bytes) == [header, directory + end])
    #expect(layout.dataOffsets == [64])
  }

  @Test func patchesGoWhereChecksumsStand() throws {
    let known = try ZipLayout([
      ZipEntry("a", byteCount: 1, checksum: 1), ZipEntry("b", byteCount: 1, checksum: 0xDEAD_BEEF),
    ])
    let unknown = try ZipLayout([
      ZipEntry("a", byteCount: 1, checksum: 1), ZipEntry("b", byteCount: 1),
    ])
    #expect(known.patches([:]) == [])
    #expect(unknown.patches([1: 0xDEAD_BEEF]).count == 2)
    let data: [[UInt8]] = [[5], [6]]
    #expect(file(known, data) == file(unknown, data, checksums: [1: 0xDEAD_BEEF]))
  }

  /// Fields of 32 bits end at 4 GiB: what is larger, and what lies behind it.
  @Test func largeMembersHaveLargeFields() throws {
    let large = 5 << 30
    let layout = try ZipLayout([
      ZipEntry("first", byteCount: 2, checksum: 1),
      ZipEntry("large", byteCount: large, checksum: 2),
      ZipEntry("behind", byteCount: 3, checksum: 3, alignment: 64),
    ])
    let source = SparseBytes(layout)
    let file = try ZipFile(source, size: layout.byteCount)
    #expect(file.members.map(\.byteCount) == [2, large, 3])
    #expect(file.members.map(\.dataRange.lowerBound) == layout.dataOffsets)
    #expect(file.members.map(\.attributes.versionNeeded) == [20, 45, 45])
    #expect(layout.dataOffsets[2] > large && layout.dataOffsets[2] % 64 == 0)
  }

  @Test func manyMembersHaveALargeEndRecord() throws {
    for count in [65_534, 65_535, 65_536] {
      let layout = try ZipLayout((0..<count).map { ZipEntry("\($0)", byteCount: 0) })
      let end = try #require(layout.pieces.last).bytes
      #expect(end.suffix(22 + 20).starts(with: Array("PK\u{6}\u{7}".utf8)) == (count >= 65_535))
      #expect(try ZipEndRecord(SparseBytes(layout), size: layout.byteCount).memberCount == count)
    }
  }

  @Test func refusesNamesThatReadersRefuse() {
    let bad = ["", "/a", "a/../b", "a\\b", "a\0", String(repeating: "x", count: 65_536)]
    for name in bad {
      let error = #expect(throws: ZipError.self) {
        try ZipLayout([ZipEntry(name, byteCount: 0)])
      }
      #expect(error?.code == .unwritable)
    }
    #expect(throws: ZipError.self) {
      try ZipLayout([ZipEntry("a", byteCount: 0), ZipEntry("a", byteCount: 0)])
    }
    #expect(throws: ZipError.self) {
      try ZipLayout([], comment: [UInt8](repeating: 0, count: 65_536))
    }
  }

  /// A changed copy: one member has other data, the others are what they were.
  @Test func aChangedCopyKeepsTheOtherMembers() throws {
    let number = ZipBytes.number
    var members = Sample.members
    members[0].extra = number(0x5455, 2) + number(1, 2) + [3]
    members[0].localExtra = number(0x5455, 2) + number(5, 2) + [3, 1, 2, 3, 4]
    members[1].flags = ZipMember.descriptorFlag
    members[1].descriptor = [UInt8](repeating: 9, count: 12)
    let original = try ZipFile(ZipBytes(members).bytes)
    let entries = original.members.map { member in
      member.name == "metadata.json"
        ? original.entry(replacing: member, byteCount: 3)
        : original.entry(copying: member)
    }
    let layout = try ZipLayout(entries, comment: original.comment)
    let copied: [[UInt8]] = [[1, 2, 3], Sample.deflated, []]
    let written = file(layout, copied, checksums: [0: UInt32(ZipBytes.checksum([1, 2, 3]))])
    let copy = try ZipFile(written)
    #expect(try copy.bytes(of: copy.members[0], limit: 10) == [1, 2, 3])
    #expect(try copy.bytes(of: copy.members[1], limit: 400) == Sample.text)
    // Unchanged but for the flag of sizes behind the data: they are before it now.
    members[0].data = [1, 2, 3]
    members[0].byteCount = 3
    members[0].checksum = ZipBytes.checksum([1, 2, 3])
    members[1].flags = 0
    members[1].descriptor = []
    #expect(written == ZipBytes(members).bytes)
  }

  @Test func aCopyOfASoundArchiveIsTheSame() throws {
    let bytes = ZipBytes(Sample.members).bytes
    let original = try ZipFile(bytes)
    let layout = try ZipLayout(original.members.map { original.entry(copying: $0) })
    #expect(file(layout, original.members.map { Array(bytes[$0.dataRange]) }) == bytes)
  }
}

/// A layout as a file whose data are zeros.
private final class SparseBytes: ByteSource {
  let label = "sparse"
  private let layout: ZipLayout

  init(_ layout: ZipLayout) { self.layout = layout }

  func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    let range = offset..<offset + count
    precondition(range.upperBound <= layout.byteCount)
    buffer.copy(from: [UInt8](repeating: 0, count: count), range: 0..<count, to: position)
    for piece in layout.pieces {
      let common = (piece.offset..<piece.offset + piece.bytes.count).clamped(to: range)
      guard !common.isEmpty else { continue }
      buffer.copy(
        from: piece.bytes,
        range: common.lowerBound - piece.offset..<common.upperBound - piece.offset,
        to: position + common.lowerBound - offset)
    }
  }
}
