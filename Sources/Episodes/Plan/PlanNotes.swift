import Checkpoints
import FileIO
public import SystemPackage
public import YAMLText

/// What a plan may say on purpose, but most often says by mistake.
public enum PlanNotes {
  /// Looks for such things, in the order of the text.
  ///
  /// - Parameter path: where the plan is.
  public static func notes(on plan: Plan, at path: FilePath) -> [YAMLProblem] {
    let folder = Folder.absolute(path).removingLastComponent()
    var notes = plan.commands.flatMap { words(of: $0.1, in: folder) }
    notes += missingPlaceholders(plan)
    if case .file(let path) = plan.initial, let reader = try? CheckpointReader(opening: path),
      let count = try? EpisodeAverage.optimizerTensorCount(in: reader), count > 0
    {
      notes.append(YAMLProblem(plan.initialPlace, optimizerState(count)))
    }
    return notes.sorted { left, right in
      (left.place?.line ?? 0, left.place?.column ?? 0)
        < (right.place?.line ?? 0, right.place?.column ?? 0)
    }
  }

  /// That the weights of the start come with what no later start has.
  static func optimizerState(_ count: Int) -> String {
    "init: \(count == 1 ? "a tensor" : "\(count) tensors") of an optimizer's state left out: every episode "
      + "starts from weights alone, and the trainer's own state travels in 'state_out'"
  }

  // MARK: - Words

  private static let shells: Set = ["sh", "bash", "dash", "zsh", "ksh", "fish"]
  /// What the names of files end in that a command reads.
  private static let endings: Set = [
    "py", "sh", "pl", "r", "jl", "lua", "js", "ipynb", "yaml", "yml", "json", "toml", "cfg", "ini",
  ]
  /// Parts of the names of options whose values are files to be written.
  private static let outputs = ["out", "save", "log", "dest", "write", "result", "dump"]

  private static func words(of command: CommandTemplate, in folder: FilePath) -> [YAMLProblem] {
    let program = command.program.flatMap { FilePath($0).lastComponent?.string } ?? ""
    let words = command.plainWords
    // What follows is read by a shell after all.
    if shells.contains(program),
      words.contains(where: { $0.text.hasPrefix("-") && $0.text.hasSuffix("c") })
    {
      return []
    }
    var notes: [YAMLProblem] = []
    var option = ""
    for word in words.dropFirst() {
      let parts = word.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if word.text.hasPrefix("-") { option = parts[0].lowercased() }
      let value = String(parts[parts.count - 1])
      if let what = shellSyntax(value) {
        notes.append(
          YAMLProblem(
            word.place,
            "'\(word.text)': no shell reads it, and \(what) stays as it is: write what it stands for"
          ))
      } else if isMissingFile(value, in: folder), !outputs.contains(where: option.contains) {
        notes.append(
          YAMLProblem(word.place, "'\(value)' looks like a file, but there is none in \(folder)"))
      }
    }
    return notes
  }

  /// What a shell would have replaced.
  private static func shellSyntax(_ value: String) -> String? {
    if value == "~" || value.hasPrefix("~/") { return "'~'" }
    if let dollar = value.firstIndex(of: "$") {
      let rest = value[value.index(after: dollar)...]
      if let first = rest.first, first.isLetter || first == "_" || first == "(" {
        return "'$\(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })'"
      }
    }
    if value.contains("`") { return "'`'" }
    return value.contains("*") && value.contains("/") ? "'*'" : nil
  }

  private static func isMissingFile(_ value: String, in folder: FilePath) -> Bool {
    guard !value.contains("://"), !value.contains(where: \.isWhitespace),
      let ending = FilePath(value).extension?.lowercased(), endings.contains(ending)
    else { return false }
    return FileStatus(of: folder.pushing(FilePath(value))) == nil
  }

  // MARK: - Placeholders

  /// A command that uses none reads variables; one that uses some has most likely forgotten the others.
  private static func missingPlaceholders(_ plan: Plan) -> [YAMLProblem] {
    var notes: [YAMLProblem] = []
    let used = plan.train.placeholders
    if !used.isEmpty, plan.train.program != plan.builtInTrainer {
      var groups = [
        ["init"], ["out"], ["episode_seed", "seed"], ["to_iteration", "from_iteration"],
      ]
      if plan.state != .reset { groups += [["state_out"], ["state_in"]] }
      if plan.ema == .trainer { groups += [["ema_init"], ["ema_out"]] }
      groups += (plan.memberSettings.first ?? []).map { [$0.name] }
      notes += groups.filter { used.isDisjoint(with: $0) }.map { group in
        YAMLProblem(plan.train.place, "train: " + unused(group))
      }
    }
    if let evaluation = plan.evaluate, !evaluation.command.placeholders.isEmpty,
      evaluation.command.placeholders.isDisjoint(with: ["init", Placeholders.files])
    {
      notes.append(
        YAMLProblem(
          evaluation.command.place, "evaluate.command: " + unused(["init", Placeholders.files])))
    }
    return notes
  }

  private static func unused(_ names: [String]) -> String {
    let words = names.map { "{\($0)}" }.joined(separator: " or ")
    return "\(words) is not used; is \(Placeholders.variable(names[0])) read?"
  }
}
