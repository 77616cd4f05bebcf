import ArgumentParser
import Episodes
import FileIO
import SystemPackage
import ToolSupport

/// `imwa-run try`.
struct TryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "try",
    abstract: "Rehearse a plan in two iterations, and say what would fail.",
    discussion: """
      Two members train one iteration in each of two episodes, which are judged, averaged, evaluated and resumed \
      like those of the run. Nothing stays but the logs of what failed. Commands find IMWA_REHEARSAL in their \
      environment.

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The plan.", valueName: "plan"))
  var plan: String

  @Option(
    help: ArgumentHelp(
      "The folder that is used, new or of an earlier rehearsal. Default: the plan's name with -try.",
      valueName: "run"))
  var dir: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("A key of the plan with another value.", valueName: "key=value"))
  var settings: [String] = []

  func validate() throws { try WorkOptions.check(settings) }

  func run() async throws {
    let path = FilePath(plan)
    let tool = Tool(name: ImwaRun.toolName, talk: .normal)
    try await tool.run {
      let rehearsal = Rehearsal(
        plan: path, in: FilePath(dir ?? "\(path.stem ?? "imwa")-try"),
        settings: settings.compactMap { Plan.Setting($0) })
      let outcome = try await rehearsal.perform(
        with: RunningTool.executor, interruption: { Signals.noted })
      outcome.notices.forEach(tool.notice)
      try Console.output.write(
        "\(plan): rehearsed in \(TimeText.duration(outcome.seconds)), and nothing failed\n")
    }
  }
}
