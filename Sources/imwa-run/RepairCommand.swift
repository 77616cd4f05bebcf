import ArgumentParser
import Episodes
import FileIO
import SystemPackage
import ToolSupport

/// `imwa-run repair`.
struct RepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract: "Make the journal of a run readable again, so that the run can be resumed.",
    discussion: """
      Lines that are intact stay, and what the folders of attempts prove is added: the journal may be damaged, cut \
      or missing. What cannot be read goes to journal.damaged. Members and averages whose files are not what was \
      checked any more are made again by 'imwa-run resume'.

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The folder of the run.", valueName: "run"))
  var folder: String

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  func run() throws {
    let tool = Tool(name: ImwaRun.toolName, talk: quiet ? .quiet : .normal)
    try tool.run {
      let path = FilePath(folder)
      let actions = try RunRepair(of: path).actions
      guard !quiet else { return }
      let lines =
        actions.isEmpty
        ? ["nothing to repair"] : actions + ["repaired; 'imwa-run resume \(path)' goes on"]
      try Console.output.write(lines.map { Tool.printable($0) + "\n" }.joined())
    }
  }
}
