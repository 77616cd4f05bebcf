import FileIO
import SystemPackage
import TensorCore

/// The matrix kernels of the built-in trainer: they are chosen for the processor, and others round differently.
enum TrainerKernels {
  /// The variable that chooses them.
  static let variable = "OPENBLAS_CORETYPE"

  /// The name of the kernels that are in use.
  ///
  /// - Parameters:
  ///   - pinned: the kernels that should be; nil for those of the processor.
  ///   - scratch: a folder for a file that goes again.
  /// - Throws: `RunError` when the trainer does not tell, `FileError`.
  static func name(_ trainer: String, pinned: String?, scratch: FilePath) throws -> String {
    let output = scratch.appending(".kernels.imwa-partial")
    Folder.removeAll(output)
    defer { Folder.removeAll(output) }
    let environment =
      CurrentProcess.environment.filter { pinned == nil || !$0.hasPrefix(variable + "=") }
      + (pinned.map { ["\(variable)=\($0)"] } ?? [])
    let child = try ChildProcess(
      [trainer, "kernels"], environment: environment, folder: "/", output: output, errors: output,
      relation: .ownGroup)
    var ending = child.ending()
    while ending == nil {
      child.waitForEnd(milliseconds: 1000)
      ending = child.ending()
    }
    let text = String(decoding: try SmallFile.read(output) ?? [], as: UTF8.self)
    let name = text.split(separator: "\n").first.map(String.init)
    guard ending == .exited(code: 0), let name else {
      throw RunError(
        .badInput, "'\(trainer) kernels' does not tell the matrix kernels in use",
        hint: "is it the imwa-train of this version?")
    }
    return name
  }
}
