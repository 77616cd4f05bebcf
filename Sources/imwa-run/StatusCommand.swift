import ArgumentParser
import Episodes
import FileIO
import JSONText
import SystemPackage
import ToolSupport

/// `imwa-run status`.
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show where a run stands; it may be under way or not.",
    discussion: Tool.exitStatusHelp)

  @Argument(help: ArgumentHelp("The folder of the run.", valueName: "run"))
  var run: String

  @Flag(help: "Print the status as JSON.")
  var json = false

  @Flag(help: "Show it again and again, until the run ends or Ctrl-C.")
  var watch = false

  func run() async throws {
    let tool = Tool(name: ImwaRun.toolName, talk: .normal)
    try await tool.run {
      var lineCount = 0
      while true {
        let status = try RunStatus(of: FilePath(run))
        let isTerminal = Console.output.isTerminal
        let width = isTerminal ? (Console.output.width ?? 80) - 1 : Int.max
        let lines = status.lines.map { String(Tool.printable($0).prefix(width)) }
        let text = json ? status.json.text : lines.joined(separator: "\n")
        let erase = isTerminal && !json ? RunDisplay.erase(lineCount) : ""
        try Console.output.write(erase + text + "\n")
        lineCount = lines.count
        guard watch, status.state == .running, Signals.noted == nil else { return }
        try await Task.sleep(for: .milliseconds(isTerminal ? 500 : 2000))
      }
    }
  }
}
