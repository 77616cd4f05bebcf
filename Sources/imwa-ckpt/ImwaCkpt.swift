import ArgumentParser
import Checkpoints
import ToolSupport

/// The tool: one subcommand for each thing to do with checkpoint files.
@main
struct ImwaCkpt: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "imwa-ckpt",
    abstract: "Show, convert, verify, compare and hash neural-network checkpoints.",
    usage: "imwa-ckpt <show | convert | verify | diff | hash> …",
    discussion: """
      EXAMPLES
        imwa-ckpt show model.safetensors --stats
        imwa-ckpt show model.weights.h5 --values 'layers/dense/vars/0[0, :5]'
        imwa-ckpt convert model.weights.h5 -o model.safetensors --rename 's|/vars/|.|'
        imwa-ckpt verify downloads/*.safetensors --values
        imwa-ckpt diff old.h5 new.safetensors --rel 1e-6
        imwa-ckpt hash llama/
      """,
    version: Provenance.toolkitVersion,
    subcommands: [
      ShowCommand.self, ConvertCommand.self, VerifyCommand.self, DiffCommand.self, HashCommand.self,
    ])

  static let toolName = "imwa-ckpt"
}
