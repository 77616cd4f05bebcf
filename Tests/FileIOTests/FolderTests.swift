import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FileIO

@Suite struct FolderTests {
  @Test func listsNamesInOrder() throws {
    let folder = try TemporaryFolder()
    for name in ["b", "a", ".hidden", "é"] { try folder.write(name, text: "") }
    #expect(try Folder.names(in: FilePath(folder.path)) == [".hidden", "a", "b", "é"])
    #expect(!Folder.isEmpty(FilePath(folder.path)))
    let error = #expect(throws: FileError.self) { try Folder.names(in: "/nowhere") }
    #expect(error?.kind == .missingInput)
  }

  @Test func removesLinksAndNotWhatTheyLeadTo() throws {
    let folder = try TemporaryFolder()
    try folder.write("kept/x", text: "")
    try folder.write("gone/y", text: "")
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("gone/link"), withDestinationPath: "../kept")
    Folder.removeAll(FilePath(folder.file("gone")))
    #expect(try folder.names() == ["kept"])
    #expect(try folder.names(in: "kept") == ["x"])
  }

  @Test func tellsTheFreeSpace() {
    #expect(Folder.freeSpace(at: "/tmp") ?? 0 > 0)
    #expect(Folder.freeSpace(at: "/nowhere") == nil)
  }
}
