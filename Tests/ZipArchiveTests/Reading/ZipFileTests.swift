import TensorCore
import TestSupport
import Testing

@testable import ZipArchive

@Suite struct ZipFileTests {
  private func error(_ archive: ZipBytes) -> ZipError? {
    #expect(throws: ZipError.self) { try ZipFile(archive.bytes) }
  }

  private func error(changing change: (inout ZipBytes.Member) -> Void) -> ZipError? {
    var member = ZipBytes.Member("second", [1, 2, 3])
    change(&member)
    return error(ZipBytes([ZipBytes.Member("first", [4]), member]))
  }

  @Test func listsMembers() throws {
    let file = try ZipFile(ZipBytes(Sample.members).bytes)
    #expect(file.members.map(\.name) == ["metadata.json", "weights/a", "assets/"])
    #expect(file.members.map(\.method) == [.stored, .deflated, .stored])
    #expect(file.members.map(\.byteCount) == [2, 334, 0])
    #expect(file.members.map(\.storedByteCount) == [2, Sample.deflated.count, 0])
    #expect(file.members.map(\.isFolder) == [false, false, true])
    #expect(file.members[0].dataRange == 43..<45)
    #expect(file["weights/a"] == file.members[1])
    #expect(file["weights"] == nil)
    #expect(file.prefixByteCount == 0 && file.comment == [])
  }

  @Test func readsAnEmptyArchive() throws {
    #expect(try ZipFile(ZipBytes([]).bytes).members == [])
  }

  @Test func readsACommentAndAPrefix() throws {
    var archive = ZipBytes(Sample.members)
    archive.comment = Array("PK, a comment".utf8)
    archive.prefix = Array("#!/bin/sh".utf8)
    let file = try ZipFile(archive.bytes)
    #expect(file.comment == archive.comment)
    #expect(file.prefixByteCount == 9)
    #expect(file.members[0].dataRange == 52..<54)
    #expect(try file.bytes(of: file.members[1], limit: 400) == Sample.text)
  }

  /// PyTorch writes the larger end record always.
  @Test func readsALargeEndRecordThatIsNotNeeded() throws {
    for prefix in [[], Array("prefix".utf8)] {
      var archive = ZipBytes(Sample.members)
      archive.prefix = prefix
      archive.beforeEnd = { ZipBytes.zip64(count: 3, size: $1, offset: $0, at: $0 + $1) }
      #expect(try ZipFile(archive.bytes).members.count == 3)
      archive.memberCount = 0xFFFF
      archive.directorySize = 0xFFFF_FFFF
      archive.directoryOffset = 0xFFFF_FFFF
      #expect(try ZipFile(archive.bytes).members.count == 3)
    }
  }

  @Test func readsSizesInLargeFields() throws {
    var member = ZipBytes.Member("a", [1, 2, 3])
    let number = ZipBytes.number
    member.byteCount = 0xFFFF_FFFF
    member.storedByteCount = 0xFFFF_FFFF
    member.headerOffset = 0xFFFF_FFFF
    member.extra = number(1, 2) + number(24, 2) + number(3, 8) + number(3, 8) + number(0, 8)
    member.localStoredByteCount = 0xFFFF_FFFF
    member.localExtra = number(1, 2) + number(16, 2) + number(3, 8) + number(3, 8)
    let file = try ZipFile(ZipBytes([member]).bytes)
    #expect(try file.bytes(of: file.members[0], limit: 3) == [1, 2, 3])
    member.extra = number(1, 2) + number(16, 2) + number(3, 8) + number(3, 8)
    #expect(error(ZipBytes([member]))?.code == .damaged)
    member.extra = []
    #expect(error(ZipBytes([member]))?.code == .damaged)
  }

  /// Sizes behind the data, as writers of streams do it: zero in the header.
  @Test func readsMembersWithDescriptors() throws {
    var member = ZipBytes.Member("a", [1, 2, 3])
    member.flags = ZipMember.descriptorFlag
    member.localChecksum = 0
    member.localByteCount = 0
    member.localStoredByteCount = 0
    let number = ZipBytes.number
    member.descriptor =
      number(0x0807_4B50, 4) + number(member.checksum, 4) + number(3, 4) + number(3, 4)
    let file = try ZipFile(ZipBytes([member, ZipBytes.Member("b", [5])]).bytes)
    #expect(try file.bytes(of: file.members[0], limit: 3) == [1, 2, 3])
    #expect(try file.bytes(of: file.members[1], limit: 3) == [5])
    member.localByteCount = 4
    #expect(error(ZipBytes([member]))?.code == .damaged)
    member.localByteCount = 0
    member.flags = 0
    #expect(error(ZipBytes([member]))?.code == .damaged)
  }

  @Test func refusesWhatIsNoArchive() {
    for bytes in [[], [1, 2, 3], [UInt8](repeating: 0x50, count: 100_000)] {
      let error = #expect(throws: ZipError.self) { try ZipFile(bytes) }
      #expect(error?.code == .notZip)
    }
  }

  @Test func refusesEveryCut() {
    var archive = ZipBytes(Sample.members)
    archive.beforeEnd = { ZipBytes.zip64(count: 3, size: $1, offset: $0, at: $0 + $1) }
    let bytes = archive.bytes
    for count in bytes.indices {
      #expect(throws: ZipError.self) { try ZipFile(Array(bytes.prefix(count))) }
    }
    #expect(throws: ZipError.self) { try ZipFile(bytes + [0]) }
  }

  @Test func refusesAnEndRecordInTheComment() {
    var archive = ZipBytes(Sample.members)
    archive.comment = ZipBytes([]).bytes
    #expect(error(archive)?.description.contains("another end record") == true)
  }

  @Test func refusesCountsThatDoNotAddUp() {
    for count in [0, 2, 4, 3 + 65_536 % 65_536 + 9, 65_535] {
      var archive = ZipBytes(Sample.members)
      archive.memberCount = count
      #expect(error(archive)?.code == .damaged)
    }
  }

  @Test func refusesADirectoryThatDoesNotAddUp() {
    for (size, offset) in [(10, nil), (nil, 100_000), (0xFFFF_FFFF, nil), (1_000_000, 0)] {
      var archive = ZipBytes(Sample.members)
      archive.directorySize = size
      archive.directoryOffset = offset
      #expect(error(archive)?.code == .damaged)
    }
  }

  @Test func refusesALargeEndRecordThatDisagrees() {
    let wrong: [(Int, Int) -> [UInt8]] = [
      { ZipBytes.zip64(count: 2, size: $1, offset: $0, at: $0 + $1) },
      { ZipBytes.zip64(count: 3, size: $1 - 1, offset: $0 + 1, at: $0 + $1) },
      { ZipBytes.zip64(count: 3, size: $1, offset: $0, at: $0 + $1 - 1) },
      { ZipBytes.zip64(count: 3, size: $1, offset: $0, at: -1) },
      { ZipBytes.zip64(count: -1, size: $1, offset: $0, at: $0 + $1) },
      { Array(ZipBytes.zip64(count: 3, size: $1, offset: $0, at: $0 + $1).suffix(20)) },
    ]
    for beforeEnd in wrong {
      var archive = ZipBytes(Sample.members)
      archive.beforeEnd = beforeEnd
      #expect(error(archive)?.code == .damaged)
    }
  }

  @Test func refusesSeveralDisks() {
    var archive = ZipBytes(Sample.members)
    archive.disk = 1
    #expect(error(archive)?.description.contains("several disks") == true)
    archive.disk = 0
    archive.beforeEnd = { ZipBytes.zip64(count: 3, size: $1, offset: $0, at: $0 + $1, disks: 2) }
    #expect(error(archive)?.description.contains("several disks") == true)
    #expect(error { $0.disk = 1 }?.description.contains("another disk") == true)
  }

  @Test(arguments: [1, 1 << 6, 1 << 13])
  func refusesEncryption(flag: Int) {
    #expect(error { $0.flags = flag }?.description.contains("is encrypted") == true)
  }

  @Test func refusesEncryptionInTheHeaderOnly() {
    #expect(error { $0.localFlags = 1 }?.description.contains("is encrypted") == true)
  }

  @Test(arguments: [
    (12, "(bzip2)"), (14, "(lzma)"), (93, "(zstd)"), (9, "(deflate64)"), (77, "77"),
  ])
  func refusesOtherMethodsByName(method: Int, name: String) {
    let error = error { $0.method = method }
    #expect(error?.code == .refused)
    #expect(error?.description.contains(name) == true)
  }

  @Test(arguments: [
    "/etc/passwd", "../evil", "a/../../b", "a/..", "..", "a\\b", "C:\\evil", "a\0b", "\0",
  ])
  func refusesNamesThatArePathTricks(name: String) {
    #expect(error { $0.name = Array(name.utf8) }?.code == .refused)
  }

  @Test func refusesNamesThatAreNoText() {
    #expect(error { $0.name = [] }?.code == .refused)
    #expect(error { $0.name = [0x61, 0xFF] }?.code == .refused)
    #expect(error { $0.name = [0xC0, 0xAF] }?.code == .refused)
  }

  @Test func acceptsNamesThatOnlyLookOdd() throws {
    for name in ["a b", "...", "..a", "a..", "a//b", "./a", "é", "e\u{301}", "data/0"] {
      let file = try ZipFile(ZipBytes([ZipBytes.Member(name, [1])]).bytes)
      #expect(file.members[0].name.utf8.elementsEqual(name.utf8))
    }
  }

  @Test func namesThatLookAlikeAreTwo() throws {
    let members = [ZipBytes.Member("\u{E9}", [1]), ZipBytes.Member("e\u{301}", [2])]
    let file = try ZipFile(ZipBytes(members).bytes)
    #expect(file["e\u{301}"]?.checksum == file.members[1].checksum)
  }

  @Test func refusesTheSameNameTwice() {
    #expect(error { $0.name = Array("first".utf8) }?.description.contains("two members") == true)
  }

  @Test func refusesASecondNameInAnExtraField() {
    let number = ZipBytes.number
    let other =
      number(0x7075, 2) + number(10, 2) + number(1, 1) + number(0, 4) + Array("other".utf8)
    #expect(error { $0.extra = other }?.description.contains("two names") == true)
    #expect(error { $0.localExtra = other }?.description.contains("two names") == true)
  }

  @Test func refusesHeadersThatDisagreeWithTheDirectory() {
    let attacks: [(inout ZipBytes.Member) -> Void] = [
      { $0.localName = Array("other".utf8) }, { $0.localName = Array("seconD".utf8) },
      { $0.localMethod = 8 }, { $0.localByteCount = 4 }, { $0.localStoredByteCount = 2 },
      { $0.localChecksum = 1 }, { $0.localByteCount = 0 }, { $0.byteCount = 4 },
      { $0.storedByteCount = 2 }, { $0.headerOffset = 1 }, { $0.extra = [1, 0, 9, 0, 1] },
      { $0.localExtra = [9, 0, 9, 0, 1] }, { $0.headerOffset = 0xFFFF_FFFE },
    ]
    for (index, attack) in attacks.enumerated() {
      #expect(error(changing: attack) != nil, "attack \(index)")
    }
  }

  @Test func refusesMembersThatReachBeyondTheFile() {
    #expect(
      error {
        $0.byteCount = 1_000_000
        $0.storedByteCount = 1_000_000
      }?.code == .damaged)
    // Into the central directory.
    #expect(
      error {
        $0.byteCount = 20
        $0.storedByteCount = 20
        $0.localByteCount = 20
        $0.localStoredByteCount = 20
      }?.code == .damaged)
  }

  /// Many members that share the same compressed data: a small archive that holds petabytes.
  @Test func refusesMembersThatOverlap() {
    var inner = ZipBytes([ZipBytes.Member("second", [1, 2, 3])]).bytes
    inner = Array(inner.prefix(30 + 6 + 3))
    let outer = ZipBytes.Member("first", inner)
    var second = ZipBytes.Member("second", [1, 2, 3])
    second.headerOffset = 30 + 5
    let error = error(ZipBytes([outer, second]))
    #expect(error?.description.contains("'first' and 'second' overlap") == true)
  }

  @Test func manySmallMembersAreListed() throws {
    let members = (0..<3_000).map {
      ZipBytes.Member("data/\($0)", [UInt8](repeating: 1, count: $0 % 700))
    }
    let file = try ZipFile(ZipBytes(members).bytes)
    #expect(file.members.map(\.name) == members.map { String(decoding: $0.name, as: UTF8.self) })
    #expect(file.members.map(\.byteCount) == members.map(\.byteCount))
  }
}
