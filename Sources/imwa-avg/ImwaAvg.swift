import ArgumentParser
import Checkpoints
import ToolSupport

/// The tool: one subcommand for each way to average.
@main
struct ImwaAvg: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "imwa-avg",
    abstract: "Average neural-network checkpoints: exactly, safely, as fast as files are copied.",
    usage: "imwa-avg <merge | ema> …",
    discussion: """
      EXAMPLES
        imwa-avg merge a.safetensors b.safetensors -o mean.safetensors
        imwa-avg merge run/step-*.safetensors --last 5 -o soup.safetensors
        imwa-avg merge llama-a/ llama-b/ --weights 0.7,0.3 -o llama-merged/
        imwa-avg ema ema.safetensors step-900.safetensors --decay 0.999 -o ema.safetensors --force
      """,
    version: Provenance.toolkitVersion,
    subcommands: [MergeCommand.self, EMACommand.self])

  static let toolName = "imwa-avg"
}
