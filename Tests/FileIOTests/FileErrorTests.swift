import SystemPackage
import TensorCore
import Testing

@testable import FileIO

@Suite struct FileErrorTests {
  @Test func readsAsASentence() {
    let error = FileError(.open, "a.h5", errno: .permissionDenied)
    #expect(error.description == "a.h5: cannot be opened: permission denied")
    #expect(
      FileError(.create, "a.h5", reason: "it exists already").description
        == "a.h5: cannot be created: it exists already")
  }

  @Test(arguments: [
    (FileError.Operation.open, Errno.noSuchFileOrDirectory, FailureKind.missingInput),
    (.list, .permissionDenied, .missingInput), (.read, .ioError, .inputOutput),
    (.write, .noSpace, .inputOutput), (.create, .noSpace, .inputOutput),
    (.create, .fileTooLarge, .inputOutput), (.create, .permissionDenied, .cannotCreate),
    (.replace, .fileExists, .cannotCreate),
  ])
  func kindsAreToldApart(operation: FileError.Operation, errno: Errno, kind: FailureKind) {
    #expect(FileError(operation, "f", errno: errno).kind == kind)
  }

  @Test func fullDisksHaveAHint() {
    for errno in [Errno.noSpace, .diskQuotaExceeded, .fileTooLarge] {
      #expect(FileError(.write, "f", errno: errno).hint != nil)
    }
  }
}
