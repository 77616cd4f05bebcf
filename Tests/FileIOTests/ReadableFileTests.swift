import Foundation
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import FileIO

@Suite struct ReadableFileTests {
  @Test func readsAtAnyPlace() throws {
    let folder = try TemporaryFolder()
    let file = try ReadableFile(FilePath(try folder.write("f", [1, 2, 3, 4, 5])))
    #expect(file.size == 5)
    #expect(try file.bytes(in: 1..<4) == [2, 3, 4])
    let buffer = ByteBuffer(count: 8)
    try file.read(at: 3, count: 2, into: buffer, at: 5)
    #expect(buffer.bytes(in: 5..<7) == [4, 5])
  }

  @Test func tellsWhereAFileEndsThatShrank() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("f", [1, 2, 3, 4, 5])
    let file = try ReadableFile(FilePath(path))
    truncate(path, 2)
    let error = #expect(throws: FileError.self) { try file.bytes(in: 0..<5) }
    #expect(error?.kind == .inputOutput)
    #expect(error?.description.contains("ends at byte 2 of 5") == true)
  }

  @Test func noticesThatAFileWasWrittenTo() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("f", [1, 2, 3])
    let file = try ReadableFile(FilePath(path))
    try file.checkUnchanged()
    let handle = try #require(FileHandle(forWritingAtPath: path))
    usleep(20_000)
    try handle.write(contentsOf: Data([9]))
    try handle.close()
    #expect(throws: FileError.self) { try file.checkUnchanged() }
  }

  @Test func refusesWhatIsNoRegularFile() throws {
    let folder = try TemporaryFolder()
    let missing = #expect(throws: FileError.self) {
      try ReadableFile(FilePath(folder.file("none")))
    }
    #expect(missing?.kind == .missingInput)
    #expect(throws: FileError.self) { try ReadableFile(FilePath(folder.path)) }
    mkfifo(folder.file("pipe"), 0o600)
    #expect(throws: FileError.self) { try ReadableFile(FilePath(folder.file("pipe"))) }
  }

  @Test func knowsTheSameFileByAnotherName() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("f", [1])
    try FileManager.default.createSymbolicLink(atPath: folder.file("g"), withDestinationPath: "f")
    let first = try ReadableFile(FilePath(path))
    let second = try ReadableFile(FilePath(folder.file("g")))
    #expect(first.identity == second.identity)
  }
}
