import ArgumentParser
import Episodes
import FileIO
import Glibc
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
      if let owner = Run.owner(of: status.path) {
        owner.send(SIGTERM)
        while owner.isRunning, Signals.noted == nil {
          ProcessIdentity.waitForEnd(ofAny: [owner], milliseconds: 100)
        }
      }
      let left = try await LeftBehind(status).end { Signals.noted != nil }
      let now = try RunStatus(of: status.path)
      guard !quiet else { return }
      let ended = left == 0 ? "" : "; \(left) left behind by a killed runner ended"
      try Console.output.write("\(now.lines[0])\(ended)\n")
    }
  }
}
