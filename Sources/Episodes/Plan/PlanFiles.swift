import Checkpoints
import FileIO
public import SystemPackage
import TensorCore
import YAMLText

extension Plan {
  /// Reads a plan file.
  ///
  /// - Throws: `PlanError` with all that is wrong, `FileError`.
  public static func read(_ path: FilePath, settings: [Setting]) throws -> (
    plan: Plan, bytes: [UInt8]
  ) {
    let file = try ReadableFile(path)
    guard file.size <= SmallFile.maximumSize else {
      throw PlanError(path: path, problems: [YAMLProblem(nil, "the file is too large for a plan")])
    }
    let bytes = try file.bytes(in: 0..<file.size)
    let folder = Folder.absolute(path).removingLastComponent()
    return (try Plan(parsing: bytes, path: path, folder: folder, settings: settings), bytes)
  }

  /// Checks what the plan names: the checkpoint to start from, the programs, the formats.
  ///
  /// - Parameter path: where the plan is, for messages.
  /// - Throws: `PlanError` with all that is wrong.
  public func checkFiles(_ path: FilePath) throws(PlanError) {
    var problems: [YAMLProblem] = []
    if case .file(let initial) = initial {
      if let suffixPlace, FileStatus(of: initial)?.kind == .folder {
        problems.append(
          YAMLProblem(suffixPlace, "'suffix' is for files, but init is a folder: leave it out"))
      }
      do {
        let reader = try CheckpointReader(opening: initial)
        if !reader.weights.tensors.contains(where: { $0.info.dtype.isAveraged }) {
          problems.append(
            YAMLProblem(initialPlace, "init: \(initial): it has no weights to average"))
        }
      } catch {
        let text = (error as? any DiagnosedError)?.description ?? "\(error)"
        problems.append(YAMLProblem(initialPlace, "init: \(text)"))
      }
    }
    if !suffix.isEmpty, CheckpointFormats.format(forOutput: FilePath("model" + suffix)) == nil {
      let known = CheckpointFormats.all.flatMap { $0.suffixes }.joined(separator: ", ")
      problems.append(
        YAMLProblem(
          suffixPlace ?? initialPlace,
          "averages cannot be written as '\(suffix)'; formats end in \(known)"))
    }
    let folder = Folder.absolute(path).removingLastComponent()
    for (key, command) in commands {
      guard let program = command.program else { continue }
      if let problem = problem(with: program, in: folder) {
        problems.append(YAMLProblem(command.place, "\(key): \(problem)"))
      } else if let problem = try? BuiltInTrainer.problem(with: command, of: self) {
        problems.append(YAMLProblem(command.place, "\(key): \(problem)"))
      }
    }
    if !problems.isEmpty { throw PlanError(path: path, problems: problems) }
  }

  /// All commands with their keys.
  var commands: [(String, CommandTemplate)] {
    var result = [("train", train)]
    if case .command(let command) = initial { result.append(("init.command", command)) }
    if let command = average.recalibrate { result.append(("average.recalibrate", command)) }
    if let command = evaluate?.command { result.append(("evaluate.command", command)) }
    if let command = notify { result.append(("notify", command)) }
    return result
  }

  /// Why a program cannot be started; nil when it can.
  private func problem(with program: String, in folder: FilePath) -> String? {
    if program.contains("/") {
      let path = folder.pushing(FilePath(program))
      guard FileStatus(of: path) != nil else { return "there is no program '\(program)'" }
      if Programs.path(of: program, in: folder) != nil { return nil }
      return
        "'\(program)' cannot be run: chmod +x makes it a program, or a command starts with what runs it, "
        + "such as python3"
    }
    return Programs.path(of: program, in: folder) == nil ? "there is no program '\(program)'" : nil
  }
}

extension CommandTemplate {
  /// Where its first word is.
  var place: YAMLNode.Place? {
    guard case .word(let word) = elements.first else { return nil }
    return word.place
  }

  /// The words without placeholders, in their order.
  var plainWords: [(text: String, place: YAMLNode.Place)] {
    elements.flatMap { element -> [Word] in
      switch element {
      case .word(let word): [word]
      case .group(let words): words
      }
    }.compactMap { word in
      guard case .text(let text)? = word.pieces.first, word.pieces.count == 1 else { return nil }
      return (text, word.place)
    }
  }
}
