import ArgumentParser
import Episodes
import FileIO
import JSONText
import SystemPackage
import ToolSupport

/// `imwa-run report`.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Tell how a run went: an HTML page with charts, or tables for programs.",
    discussion: """
      The page is one file that needs no other and no network: metrics, distances, losses and times of the \
      episodes, tables of them, and the plan. A run may be under way. Several runs are compared on one page, \
      report.html in this folder unless --output says otherwise.

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The folder of the run, or several.", valueName: "run"))
  var folders: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The page to write; it is replaced; - for standard output. Default: report.html in the run.",
      valueName: "file"))
  var output: String?

  @Flag(help: "Print the episodes as comma-separated values instead.")
  var csv = false

  @Flag(help: "Print the episodes as JSON instead.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  func validate() throws {
    if csv && json { throw ValidationError("--csv and --json cannot be used together") }
    if folders.count > 1 && (csv || json) {
      throw ValidationError("--csv and --json are for one run")
    }
    if output != nil && (csv || json) {
      throw ValidationError("--output is for the page; tables go to standard output")
    }
  }

  func run() throws {
    let tool = Tool(name: ImwaRun.toolName, talk: quiet ? .quiet : .normal)
    try tool.run {
      let statuses = try folders.map { try RunStatus(of: FilePath($0)) }
      let status = statuses[0]
      if csv { return try Console.output.write(EpisodeTable(status).csv) }
      if json { return try Console.output.write(EpisodeTable(status).json.text + "\n") }
      let isOne = statuses.count == 1
      let page = isOne ? try ReportPage(status).html : ComparisonPage(statuses).html
      if output == "-" { return try Console.output.write(page) }
      let place = isOne ? status.path.appending("report.html") : "report.html"
      let path = output.map { FilePath($0) } ?? place
      try SmallFile.write(Array(page.utf8), to: path)
      if !quiet { try Console.output.write(Tool.printable("wrote \(path)") + "\n") }
    }
  }
}
