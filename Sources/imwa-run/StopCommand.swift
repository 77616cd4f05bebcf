import ArgumentParser
import Episodes
import FileIO
import SystemPackage
import ToolSupport

/// `imwa-run stop`.
struct StopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "Stop a run cleanly; 'imwa-run resume' goes on with it.",
    discussion: """
      Trainers are asked to end (TERM), and killed after the plan's 'grace'. Those that a runner which was \
      killed has left behind are ended, too.

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The folder of the run.", valueName: "run"))
  var run: String

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  func run() async throws {
    let tool = Tool(name: ImwaRun.toolName, talk: quiet ? .quiet : .normal)
    try await tool.run {
      let status = try RunStatus(of: FilePath(run))
      let isInterrupted = { Signals.noted != nil }
      guard try RunOwner.stop(status.path, notice: tool.notice, unless: isInterrupted) else {
        return
      }
      let behind = try await LeftBehind(status).end(unless: isInterrupted)
      for place in Set(behind.left).sorted() {
        tool.notice("trainers on host \(place) have been asked to end, and have not ended yet")
      }
      let now = try RunStatus(of: status.path)
      guard !quiet else { return }
      let ended = behind.count == 0 ? "" : "; \(behind.count) left behind by a killed runner ended"
      try Console.output.write("\(now.lines[0])\(ended)\n")
    }
  }
}
