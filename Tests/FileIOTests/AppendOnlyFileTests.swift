import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import FileIO

@Suite struct AppendOnlyFileTests {
  @Test func whatWasWrittenInPartGoesBeforeTheNextPiece() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(folder.file("a"))
    let file = try AppendOnlyFile(path)
    try file.append("one\n")
    // As a full disk leaves a piece, when taking it back fails, too.
    try folder.write("a", text: "one\ntw")
    try file.append(Array("two\n".utf8))
    #expect(try folder.read("a") == Array("one\ntwo\n".utf8))
  }

  @Test func aFileThatIsGoneIsNoticed() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(folder.file("a"))
    let file = try AppendOnlyFile(path)
    try file.append("one\n")
    Folder.removeAll(path)
    #expect {
      try file.append("two\n")
    } throws: { "\($0)".contains("it was deleted while it was being written") }
    try folder.write("a", text: "another\n")
    #expect {
      try file.append("two\n")
    } throws: { "\($0)".contains("another file took its place") }
    #expect(try folder.read("a") == Array("another\n".utf8))
  }

  @Test func aFileThatWasCutIsNotWrittenTo() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(folder.file("a"))
    let file = try AppendOnlyFile(path)
    try file.append("one\ntwo\n")
    #expect(truncate(folder.file("a"), 4) == 0)
    #expect { try file.append("three\n") } throws: { "\($0)".contains("it has 4 bytes, but 8") }
    #expect(try folder.read("a") == Array("one\n".utf8))
  }

  @Test func theLastLineEndIsFoundInLongFiles() throws {
    let folder = try TemporaryFolder()
    let line = [UInt8](repeating: 120, count: 200_000)
    try folder.write("a", line + [10] + line)
    _ = try AppendOnlyFile(FilePath(folder.file("a")))
    #expect(try folder.read("a").count == 200_001)
    try folder.write("a", line)
    _ = try AppendOnlyFile(FilePath(folder.file("a")))
    #expect(try folder.read("a").isEmpty)
  }
}
