import ArgumentParser
import Checkpoints
import Dispatch
import Episodes
import FileIO
import SystemPackage
import TensorCore
import ToolSupport

/// The tool: one subcommand for each thing that is done with a run.
struct ImwaRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: toolName,
    abstract:
      "Train by iterative averaging: members train from one start, their average starts the next.",
    usage:
      "imwa-run <init | validate | try | start | resume | status | logs | report | stop | repair | demo> …",
    discussion: """
      EXAMPLES
        imwa-run init --for pytorch > plan.yaml
        imwa-run validate plan.yaml
        imwa-run try plan.yaml
        imwa-run start plan.yaml --dir runs/first
        imwa-run status runs/first --watch
        imwa-run resume runs/first
        imwa-run report runs/first -o report.html
      """,
    version: Provenance.toolkitVersion,
    subcommands: [
      InitCommand.self, ValidateCommand.self, TryCommand.self, StartCommand.self,
      ResumeCommand.self, StatusCommand.self, LogsCommand.self, ReportCommand.self,
      StopCommand.self, RepairCommand.self, DemoCommand.self,
    ])

  static let toolName = "imwa-run"
  /// The first argument of the process around an attempt, which no user types.
  static let supervise = "supervise"

  func run() async throws { throw Tool.missingSubcommand }
}

/// Where the process begins.
@main
enum Program {
  static func main() {
    let arguments = CurrentProcess.arguments
    // Started once for every attempt: nothing else is needed for it.
    if arguments.count == 2, arguments[0] == ImwaRun.supervise { supervise(arguments[1]) }
    Task {
      await ImwaRun.main(arguments)
      CurrentProcess.end(status: 0)
    }
    // What is bound to the main actor runs on the main queue, which has to be served.
    dispatchMain()
  }

  private static func supervise(_ folder: String) -> Never {
    do {
      try Supervisor(FilePath(folder), environment: CurrentProcess.environment).run()
    } catch {
      try? Console.error.write("imwa-run: \(error)\n")
      let isDisk = (error as? any DiagnosedError)?.kind == .inputOutput
      CurrentProcess.end(status: isDisk ? Supervisor.diskFailure : 1)
    }
    CurrentProcess.end(status: 0)
  }
}
