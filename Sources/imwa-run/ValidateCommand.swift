import ArgumentParser
import Episodes
import FileIO
import SystemPackage
import ToolSupport
import YAMLText

/// `imwa-run validate`.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Check all of a plan that can be checked without training.",
    discussion: Tool.exitStatusHelp)

  @Argument(help: ArgumentHelp("The plan.", valueName: "plan"))
  var plan: String

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("A key of the plan with another value.", valueName: "key=value"))
  var settings: [String] = []

  func validate() throws { try WorkOptions.check(settings) }

  func run() throws {
    let tool = Tool(name: ImwaRun.toolName, talk: .normal)
    try tool.run {
      let settings = settings.compactMap { Plan.Setting($0) }
      let path = FilePath(plan)
      let (read, _) = try Plan.read(path, settings: settings)
      try read.checkFiles(path)
      for note in PlanNotes.notes(on: read, at: path) { tool.notice(note.text(in: path)) }
      let share = read.iterations / read.episodes
      let rest = read.iterations % read.episodes
      let each = rest == 0 ? "\(share)" : "\(share + 1) (\(rest) of them) or \(share)"
      try Console.output.write(
        "\(plan): \(read.episodes) episodes of \(each) iterations, \(read.members) members, "
          + "\(read.parallel) at once\n")
    }
  }
}
