import SystemPackage
import TestSupport
import Testing

@testable import FileIO

/// Small files, files that grow, and locks.
@Suite struct SmallFileTests {
  @Test func aFileIsReadAndReplacedWhole() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(folder.file("a"))
    #expect(try SmallFile.read(path) == nil)
    try SmallFile.write([1, 2, 3], to: path)
    try SmallFile.write([4, 5], to: path)
    #expect(try SmallFile.read(path) == [4, 5])
    #expect(SmallFile.tail(path, count: 1) == [5])
    #expect(try folder.names() == ["a"])
  }

  @Test func onlyOneCreates() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(folder.file("a"))
    #expect(try SmallFile.create(path, [1]))
    #expect(try !SmallFile.create(path, [2]))
    #expect(try SmallFile.read(path) == [1])
    #expect(try folder.names() == ["a"])
  }

  @Test func aLargeFileIsNoSmallFile() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(try folder.write("a", text: "12345"))
    #expect(throws: FileError.self) { try SmallFile.read(path, maximumSize: 4) }
  }

  @Test func aLineThatWasCutGoes() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(try folder.write("a", text: "one\ntwo\nthr"))
    let file = try AppendOnlyFile(path)
    try file.append("three\n")
    #expect(try folder.read("a") == Array("one\ntwo\nthree\n".utf8))
    try AppendOnlyFile(replacing: path).append([9])
    #expect(try folder.read("a") == [9])
  }

  @Test func oneOwnerAtATime() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(folder.file("lock"))
    var first = try OwnerLock(path, note: "first owner\n")
    #expect(first != nil)
    #expect(try OwnerLock(path, note: "second\n") == nil)
    #expect(try folder.read("lock") == Array("first owner\n".utf8))
    first = nil
    #expect(try OwnerLock(path, note: "second\n") != nil)
    #expect(try folder.read("lock") == Array("second\n".utf8))
  }

  @Test func aLockIsSeenByOthersAndNotCopied() throws {
    let folder = try TemporaryFolder()
    let path = FilePath(folder.file("claim"))
    var number: UInt64 = 0
    var first = try OwnerLock(creating: path) { inode in
      number = inode
      return "mine\n"
    }
    #expect(first != nil)
    #expect(FileStatus(of: path)?.inode == number)
    #expect(OwnerLock.isHeld(path) == true)
    #expect(try OwnerLock(creating: path) { _ in "yours\n" } == nil)
    #expect(try folder.read("claim") == Array("mine\n".utf8))
    try folder.write("copy", try folder.read("claim"))
    #expect(OwnerLock.isHeld(FilePath(folder.file("copy"))) == false)
    #expect(OwnerLock.isHeld(FilePath(folder.file("nothing"))) == false)
    first = nil
    #expect(OwnerLock.isHeld(path) == false)
    #expect(try folder.names() == ["claim", "copy"])
  }

  @Test(arguments: [
    (0.0, "1970-01-01 00:00:00"), (951_782_399, "2000-02-28 23:59:59"),
    (951_782_400, "2000-02-29 00:00:00"), (1_795_248_719.5, "2026-11-21 08:11:59"),
    (4_107_542_400, "2100-03-01 00:00:00"),
  ])
  func timesAreThoseOfTheCalendar(seconds: Double, text: String) {
    #expect(WallClock.text(seconds) == text)
  }

  @Test func aFolderIsCopiedInOneStep() throws {
    let folder = try TemporaryFolder()
    try folder.write("a/b/c", text: "x")
    try folder.write("d/old", text: "y")
    try Folder.copyAll(FilePath(folder.file("a")), to: FilePath(folder.file("d")))
    #expect(try folder.read("d/b/c") == Array("x".utf8))
    #expect(try folder.names(in: "d") == ["b"])
    #expect(try folder.names() == ["a", "d"])
  }
}
