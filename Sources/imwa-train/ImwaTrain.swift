import ArgumentParser
import Checkpoints
import ToolSupport

/// The tool: what a member of a run does, and what a run needs around it.
@main
struct ImwaTrain: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "imwa-train",
    abstract: "Train small networks, step by step from checkpoint to checkpoint.",
    usage: "imwa-train <init | step | evaluate | predict | experiment | kernels> …",
    discussion: """
      EXAMPLES
        imwa-train init --data digits --model mlp:128 -o start.safetensors
        imwa-train step --data digits --init start.safetensors --out trained.safetensors \\
          --to-iteration 500
        imwa-train evaluate trained.safetensors --data digits
        imwa-train experiment
      """,
    version: Provenance.toolkitVersion,
    subcommands: [
      InitCommand.self, StepCommand.self, EvaluateCommand.self, PredictCommand.self,
      ExperimentCommand.self, KernelsCommand.self,
    ])

  static let toolName = "imwa-train"
}
