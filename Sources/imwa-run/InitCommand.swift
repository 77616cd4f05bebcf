public import ArgumentParser
public import Episodes
import FileIO
import SystemPackage
import ToolSupport

/// `imwa-run init`.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Print a commented plan to start from, and write a trainer for it.",
    discussion: """
      imwa-run init --for keras --trainer train.py > plan.yaml

      The trainer learns made-up data, and runs as it is: put your own model and data in.

      \(Tool.exitStatusHelp)
      """)

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("The trainer: keras, pytorch or builtin.", valueName: "trainer"))
  var kind = PlanTemplate.pytorch

  @Option(
    help: ArgumentHelp(
      "A new file for a trainer that does what the plan says, which names it.", valueName: "file"))
  var trainer: String?

  func validate() throws {
    if trainer != nil, !kind.hasTrainer {
      throw ValidationError("--trainer is for keras and pytorch: builtin needs no script")
    }
  }

  func run() throws {
    let tool = Tool(name: ImwaRun.toolName, talk: .normal)
    try tool.run {
      if let trainer {
        try kind.writeTrainer(to: FilePath(trainer))
        tool.notice("wrote \(trainer)")
      }
      try Console.output.write(kind.text(trainer: trainer))
    }
  }
}

extension PlanTemplate: ExpressibleByArgument {}
