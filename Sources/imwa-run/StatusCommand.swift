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
      // Without --watch, long lines are worth their room.
      let block = watch && !json && Console.output.canRedraw ? LiveBlock(on: .output) : nil
      while true {
        let status = try RunStatus(of: FilePath(run))
        if let block {
          block.draw(status.lines)
        } else {
          let text =
            json ? status.json.text : status.lines.map(Tool.printable).joined(separator: "\n")
          try Console.output.write(text + "\n")
        }
        guard watch, status.state == .running, Signals.noted == nil else { return }
        try await Task.sleep(for: .milliseconds(block != nil ? 500 : 2000))
      }
    }
  }
}
