import ArgumentParser
import Episodes
import FileIO
import SystemPackage
import TensorCore
import ToolSupport

/// `imwa-run logs`.
struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Print what the commands of a run wrote.",
    discussion: """
      Without a member, the last lines of all commands of the last episode; with one, all that its last attempt \
      wrote.

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The folder of the run.", valueName: "run"))
  var folder: String

  @Argument(
    help: ArgumentHelp(
      "The number of a member, or another command: init, warm-start, evaluate-average, recalibrate.",
      valueName: "member"))
  var member: String?

  @Option(help: ArgumentHelp("The episode. Default: the last one.", valueName: "number"))
  var episode: Int?

  func run() throws {
    let tool = Tool(name: ImwaRun.toolName, talk: .normal)
    try tool.run {
      let logs = try RunLogs(RunStatus(of: FilePath(folder)), task: member, episode: episode)
      for log in logs.logs {
        if member == nil {
          try Console.output.write(Tool.printable("== \(log.attempt.text): \(log.path)") + "\n")
        }
        for line in log.lines(member == nil ? 10 : nil) {
          // Where nobody looks, the bytes are what was written.
          try Console.output.write((Console.output.isTerminal ? Tool.printable(line) : line) + "\n")
        }
      }
    }
  }
}
