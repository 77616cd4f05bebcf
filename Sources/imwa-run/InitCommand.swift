public import ArgumentParser
public import Episodes
import FileIO
import ToolSupport

/// `imwa-run init`.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Print a commented plan to start from.",
    discussion: """
      imwa-run init --for keras > plan.yaml

      \(Tool.exitStatusHelp)
      """)

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("The trainer: keras, pytorch or builtin.", valueName: "trainer"))
  var trainer = PlanTemplate.pytorch

  func run() throws {
    let tool = Tool(name: ImwaRun.toolName, talk: .normal)
    try tool.run { try Console.output.write(trainer.text) }
  }
}

extension PlanTemplate: ExpressibleByArgument {}
