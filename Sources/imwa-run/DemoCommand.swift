import ArgumentParser
import Episodes
import FileIO
import SystemPackage
import ToolSupport

/// `imwa-run demo`.
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Run the built-in trainer on long-tailed handwritten digits, and report.",
    discussion: """
      Writes a plan, starts its run and writes its report: a few seconds of work, all of it in one folder.

      \(Tool.exitStatusHelp)
      """)

  @Option(
    help: ArgumentHelp(
      "The folder of the plan and the run, new or empty. Default: imwa-demo.", valueName: "run"))
  var dir = "imwa-demo"

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  var quiet = false

  func run() async throws {
    let folder = FilePath(dir)
    let (plan, run) = (folder.appending("plan.yaml"), folder.appending("run"))
    let tool = Tool(name: ImwaRun.toolName, talk: quiet ? .quiet : .normal)
    try tool.run {
      try Folder.createAll(folder)
      try SmallFile.write(Array(PlanTemplate.demo.utf8), to: plan)
      if !quiet {
        try Console.output.write("The plan, \(plan):\n\n\(PlanTemplate.demo)\n")
      }
    }
    var work = WorkOptions()
    (work.settings, work.detach, work.json, work.quiet) = ([], false, false, quiet)
    try await RunningTool(options: work).perform { _ in
      try Run.start(plan: plan, in: run, settings: [])
    }
    try tool.run {
      let status = try RunStatus(of: run)
      let path = folder.appending("report.html")
      try SmallFile.write(Array(try ReportPage(status).html.utf8), to: path)
      if !quiet { try Console.output.write("wrote \(path): open it in a browser\n") }
    }
  }
}
