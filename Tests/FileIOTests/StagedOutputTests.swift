import Foundation
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import FileIO

@Suite struct StagedOutputTests {
  private func write(_ text: String, to output: StagedOutput, name: String? = nil) throws {
    let bytes = Array(text.utf8)
    let file = try output.createFile(named: name, size: bytes.count)
    let buffer = ByteBuffer(count: bytes.count)
    buffer.copy(from: bytes, range: 0..<bytes.count, to: 0)
    try file.write(0..<bytes.count, of: buffer, at: 0)
  }

  private func output(
    _ path: String, _ form: StagedOutput.Form = .file, _ existing: StagedOutput.Existing = .refuse
  ) throws -> StagedOutput {
    try StagedOutput(form, at: FilePath(path), existing: existing, durability: .full)
  }

  private func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
    String(decoding: try folder.read(name), as: UTF8.self)
  }

  @Test func aFileAppearsOnlyWhenItIsCommitted() throws {
    let folder = try TemporaryFolder()
    let staged = try output(folder.file("a"))
    try staged.begin()
    try write("new", to: staged)
    #expect(try folder.names() == [".a.imwa-partial"])
    try staged.commit()
    #expect(try folder.names() == ["a"])
    #expect(try text(folder, "a") == "new")
  }

  @Test func nothingIsLeftWhenItIsDiscarded() throws {
    let folder = try TemporaryFolder()
    let file = try output(folder.file("a"))
    try file.begin()
    try write("new", to: file)
    file.discard()
    let other = try output(folder.file("b"), .folder)
    try other.begin()
    try write("new", to: other, name: "x")
    other.discard()
    #expect(try folder.names() == [])
  }

  @Test func anExistingFileIsReplacedOnlyWhenAsked() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a", text: "old")
    let error = #expect(throws: FileError.self) { try output(path) }
    #expect(error?.kind == .cannotCreate)
    #expect(error?.hint?.contains("--force") == true)
    chmod(path, 0o640)
    let staged = try output(path, .file, .replace)
    try staged.begin()
    try write("new", to: staged)
    #expect(try text(folder, "a") == "old")
    try staged.commit()
    #expect(try text(folder, "a") == "new")
    #expect(FileStatus(of: FilePath(path))?.permissions == 0o640)
  }

  @Test func aSymbolicLinkIsWrittenThrough() throws {
    let folder = try TemporaryFolder()
    try folder.write("real/a", text: "old")
    for (link, target) in [("link", "real/a"), ("dangling", "real/b")] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.file(link), withDestinationPath: target)
      let staged = try output(folder.file(link), .file, .replace)
      try staged.begin()
      try write("new", to: staged)
      try staged.commit()
      #expect(try text(folder, target) == "new")
      #expect(FileStatus(ofLink: FilePath(folder.file(link)))?.kind == .symbolicLink)
    }
    #expect(try folder.names(in: "real") == ["a", "b"])
  }

  @Test func anAbandonedAttemptIsRemovedByTheNext() throws {
    let folder = try TemporaryFolder()
    try folder.write(".a.imwa-partial", text: "half")
    try folder.write(".b.imwa-partial/x", text: "half")
    for (form, name) in [(StagedOutput.Form.file, "a"), (.folder, "b")] {
      let staged = try output(folder.file(name), form)
      try staged.begin()
      try write("new", to: staged, name: form == .folder ? "y" : nil)
      try staged.commit()
    }
    #expect(try folder.names() == ["a", "b"])
    #expect(try folder.names(in: "b") == ["y"])
  }

  @Test func anAttemptThatIsUnderWayIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    for (form, name) in [(StagedOutput.Form.file, "a"), (.folder, "b")] {
      let first = try output(folder.file(name), form)
      try first.begin()
      try write("one", to: first, name: form == .folder ? "x" : nil)
      let second = try output(folder.file(name), form)
      let error = #expect(throws: FileError.self) { try second.begin() }
      #expect(error?.description.contains("another process") == true)
      second.discard()
      try first.commit()
    }
    #expect(try folder.names() == ["a", "b"])
  }

  @Test func aFileThatAppearedMeanwhileIsNotReplaced() throws {
    let folder = try TemporaryFolder()
    let staged = try output(folder.file("a"))
    try staged.begin()
    try write("mine", to: staged)
    try folder.write("a", text: "theirs")
    #expect(throws: FileError.self) { try staged.commit() }
    staged.discard()
    #expect(try text(folder, "a") == "theirs")
    #expect(try folder.names() == ["a"])
  }

  @Test func aFolderIsExchangedAndKeepsWhatIsNotOurs() throws {
    let folder = try TemporaryFolder()
    try folder.write("m/old-1", text: "old")
    try folder.write("m/notes.md", text: "mine")
    try folder.write("m/runs/one", text: "mine")
    let staged = try output(folder.file("m"), .folder, .replace)
    try staged.begin { !$0.hasPrefix("old") }
    try write("new", to: staged, name: "new-1")
    #expect(try folder.names(in: "m") == ["notes.md", "old-1", "runs"])
    try folder.write("m/late.md", text: "mine")
    try staged.commit()
    #expect(try folder.names(in: "m") == ["late.md", "new-1", "notes.md", "runs"])
    #expect(try text(folder, "m/runs/one") == "mine")
    #expect(try folder.names() == ["m"])
  }

  @Test func anEmptyFolderMayBeFilled() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.file("m"), withIntermediateDirectories: false)
    let staged = try output(folder.file("m"), .folder)
    try staged.begin()
    try write("new", to: staged, name: "x")
    try staged.commit()
    #expect(try folder.names(in: "m") == ["x"])
  }

  @Test func aFolderIsNoPlaceForAFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("m/x", text: "")
    #expect(throws: FileError.self) { try output(folder.file("m"), .file, .replace) }
    #expect(throws: FileError.self) { try output(folder.file("m/x"), .folder, .replace) }
    #expect(throws: FileError.self) { try output(folder.file("none/x"), .file) }
    #expect(throws: FileError.self) { try output("/dev/null", .file, .replace) }
  }

  @Test func longNamesLeaveRoomForTheStagingName() throws {
    let folder = try TemporaryFolder()
    let name = String(repeating: "é", count: 120)
    let staged = try output(folder.file(name))
    try staged.begin()
    try write("new", to: staged)
    try staged.commit()
    #expect(try folder.names() == [name])
  }
}
