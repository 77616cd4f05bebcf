import TensorCore
import TestSupport
import Testing

@testable import ZipArchive

@Suite struct CheckedMemberBytesTests {
  private static let members = [
    ZipBytes.Member("a", [UInt8](repeating: 7, count: 1000)),
    ZipBytes.Member("b", Array("some other data".utf8)), ZipBytes.Member("c", []),
  ]

  /// Reads parts of a member, counted in its data.
  private func read(_ parts: [Range<Int>], of name: String, in file: ZipFile) throws {
    let start = try #require(file[name]).dataRange.lowerBound
    for part in parts {
      let buffer = ByteBuffer(count: part.count)
      try file.source.read(at: start + part.lowerBound, count: part.count, into: buffer, at: 0)
    }
  }

  @Test func soundMembersPass() throws {
    let file = try ZipFile(ZipBytes(CheckedMemberBytesTests.members).bytes)
    try file.source.checkUnchanged()
    try read([500..<1000, 0..<500], of: "a", in: file)
    try read([3..<5], of: "b", in: file)
    try file.source.checkUnchanged()
    try file.source.checkUnchanged()
  }

  @Test(arguments: [[0..<1000], [0..<400, 400..<1000], [5..<6], [900..<1000, 10..<20]])
  func damageIsFoundWhereverItIsInAMemberThatIsRead(parts: [Range<Int>]) throws {
    let sound = try ZipFile(ZipBytes(CheckedMemberBytesTests.members).bytes)
    let place = try #require(sound["a"]).dataRange.lowerBound + 555
    var bytes = ZipBytes(CheckedMemberBytesTests.members).bytes
    bytes[place] ^= 1
    let damaged = try ZipFile(bytes)
    try read([0..<15], of: "b", in: damaged)
    try damaged.source.checkUnchanged()
    try read(parts, of: "a", in: damaged)
    let error = #expect(throws: ZipError.self) { try damaged.source.checkUnchanged() }
    #expect(error?.description.contains("memory: ") == true)
    #expect(error?.description.contains("'a': its checksum is wrong") == true)
  }
}
