import ArgumentParser
import Checkpoints
import FileIO
import SystemPackage
import ToolSupport
import Training

/// `imwa-train init`.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a network with random weights for some data.",
    discussion: """
      Tensors are named like those of torch.nn.Sequential in a module 'layers', which PyTorch can load. \
      Weights are drawn as He et al. (2015) say; biases are zero.

      \(Tool.exitStatusHelp)
      """)

  @Option(
    name: [.short, .customLong("out")],
    help: ArgumentHelp("The checkpoint to write. [IMWA_OUT]", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp("The hidden layers, from the input on: mlp:128,64.", valueName: "model"))
  var model = "mlp:128"

  @Flag(help: "Follow each hidden layer with batch normalisation.")
  var batchNorm = false

  @Option(
    help: ArgumentHelp("What decides the weights. [IMWA_SEED]", valueName: "number"))
  var seed: UInt64?

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Files") var files: FileOptions

  func run() throws {
    guard let output = output ?? CurrentProcess.environmentValue("IMWA_OUT") else {
      throw ValidationError("--out is missing: the checkpoint to write")
    }
    let seed = try seed ?? ContractOptions.number("IMWA_SEED") ?? 0
    try Tool(name: ImwaTrain.toolName, talk: .normal).run {
      let source = try data.source()
      let hiddenCounts = try Architecture.hiddenCounts(described: model)
      if ContractOptions.onlyChecksOptions { return }
      let training = try source.load().training
      let architecture = try Architecture(
        inputCount: training.featureCount,
        hiddenCounts: hiddenCounts,
        classCount: training.classCount, hasBatchNorm: batchNorm)
      let request = OutputRequest(
        path: FilePath(output), existing: files.existing, durability: files.durability)
      _ = try PreparedOutput(Model(architecture, seed: seed).weights, to: request).write()
    }
  }
}

/// How outputs are written.
struct FileOptions: ParsableArguments {
  @Flag(help: "Replace outputs that exist. They are the old or the new at every moment.")
  var force = false

  @Option(
    help: ArgumentHelp(
      "full: results are on the disk when the tool ends. none: for scratch files.",
      valueName: "level"))
  var durability = Durability.full

  /// What to do when an output exists.
  var existing: StagedOutput.Existing { force ? .replace : .refuse }
}
