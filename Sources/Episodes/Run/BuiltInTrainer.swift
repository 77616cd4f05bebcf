import FileIO
import SystemPackage
import TensorCore

/// The trainer that comes with this tool, asked without training.
enum BuiltInTrainer {
  /// The variable that tells it to look at its options and do nothing.
  static let checkVariable = "IMWA_CHECK_OPTIONS"

  /// What is wrong with the options of a command; nil when nothing is, or another program runs it.
  ///
  /// - Throws: `FileError` when the trainer cannot be asked.
  static func problem(with command: CommandTemplate, of plan: Plan) throws -> String? {
    guard let trainer = plan.builtInTrainer, command.program == trainer else { return nil }
    // Any value will do where a run has others: all are texts that may be numbers.
    var values = Dictionary(uniqueKeysWithValues: Placeholders.all.map { ($0, "1") })
    let settings = plan.memberSettings.isEmpty ? [[]] : plan.memberSettings
    for member in settings {
      for setting in member { values[setting.name] = setting.value }
      let variables = values.map { "\(Placeholders.variable($0.key))=\($0.value)" }
      let environment = CurrentProcess.environment.filter { !$0.hasPrefix("IMWA_") } + variables
      let answer = try ask(
        command.expanded(values), environment: environment + ["\(checkVariable)=1"],
        scratch: ScratchFile.folder)
      guard answer.ending != .exited(code: 0) else { continue }
      let line = answer.text.split(separator: "\n").first.map(String.init) ?? "it refuses them"
      return line.hasPrefix("Error: ") ? String(line.dropFirst(7)) : line
    }
    return nil
  }

  /// Runs the trainer to its end.
  ///
  /// - Parameter scratch: a folder for a file that goes again.
  /// - Throws: `FileError`.
  fileprivate static func ask(
    _ arguments: [String], environment: [String], scratch: FilePath
  ) throws -> (text: String, ending: ChildProcess.Ending?) {
    let output = scratch.appending(
      ".imwa-train.\(ProcessIdentity.current.number).imwa-partial")
    Folder.removeAll(output)
    defer { Folder.removeAll(output) }
    let child = try ChildProcess(
      arguments, environment: environment, folder: "/", output: output, errors: output,
      relation: .ownGroup)
    var ending = child.ending()
    while ending == nil {
      child.waitForEnd(milliseconds: 1000)
      ending = child.ending()
    }
    return (String(decoding: try SmallFile.read(output) ?? [], as: UTF8.self), ending)
  }
}

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
    let environment =
      CurrentProcess.environment.filter { pinned == nil || !$0.hasPrefix(variable + "=") }
      + (pinned.map { ["\(variable)=\($0)"] } ?? [])
    let answer = try BuiltInTrainer.ask(
      [trainer, "kernels"], environment: environment, scratch: scratch)
    let name = answer.text.split(separator: "\n").first.map(String.init)
    guard answer.ending == .exited(code: 0), let name else {
      throw RunError(
        .badInput, "'\(trainer) kernels' does not tell the matrix kernels in use",
        hint: "is it the imwa-train of this version?")
    }
    return name
  }
}
