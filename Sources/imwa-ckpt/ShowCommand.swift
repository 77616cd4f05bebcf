import ArgumentParser
import CheckpointInspection
import Checkpoints
import FileIO
import JSONText
import TensorCore
import ToolSupport

/// `imwa-ckpt show`.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what is in a checkpoint.",
    discussion: """
      Tells the format, the metadata, and every tensor with its dtype, shape and size, in groups by their \
      names. What looks like BatchNorm statistics or optimizer state is marked. Values are read only for \
      --stats and --values.

      \(Tool.exitStatusHelp)
      """,
    aliases: ["ls"])

  @Argument(
    help: ArgumentHelp("A file, an index, or a folder that holds a model.", valueName: "in"))
  var input: String

  @Flag(help: "List tensors with their whole names instead of groups.")
  var flat = false

  @Flag(
    help: "Tell the smallest, largest and mean value of each tensor, zeros, NaN and infinities.")
  var stats = false

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Print values of a tensor: 'fc1.weight[0, :5]'. Can be given several times.",
      valueName: "name[slice]"))
  var values: [String] = []

  @OptionGroup var patterns: NamePatternOptions

  @OptionGroup(title: "Which weights of a PyTorch file") var reading: InputOptions
  @OptionGroup(title: "Running") var running: WorkOptions

  func validate() throws {
    if !values.isEmpty && (stats || flat || patterns.areGiven) {
      throw ValidationError("--values prints values alone: leave the other options out")
    }
  }

  func run() throws {
    let tool = Tool(name: ImwaCkpt.toolName, talk: running.talk)
    try tool.run {
      let reader = try tool.open([input], reading)[0]
      if values.isEmpty {
        try show(reader, tool)
      } else {
        try printValues(of: reader)
      }
      withExtendedLifetime(reader) { CurrentProcess.end(status: 0) }
    }
  }

  private func show(_ reader: CheckpointReader, _ tool: Tool) throws {
    let weights = try TensorSelection(patterns.policy, [reader.weights]).chosen(of: reader.weights)
    let statistics =
      stats
      ? try tool.working(running) { try CheckpointStatistics(of: weights, options: $0).tensors }
      : nil
    let result = ShowResult(
      reader: reader, weights: weights, statistics: statistics, isFlat: flat)
    if running.json {
      try Console.output.write(result.json.text + "\n")
    } else if !running.quiet {
      try Console.output.write(result.text)
    }
  }

  private func printValues(of reader: CheckpointReader) throws {
    var results: [JSONValue] = []
    for (number, text) in values.enumerated() {
      let slice = try TensorSlice(text, in: reader.weights)
      let found = try slice.values()
      if running.json {
        results.append(
          .object([
            .init("name", .string(slice.tensor.info.name)), .init("slice", .string(text)),
            .init("dtype", .string(slice.tensor.info.dtype.rawValue)),
            .init("shape", .array(slice.shape.map { .integer($0) })),
            .init("values", TensorSlice.json(found, shape: slice.shape)),
          ]))
      } else if !running.quiet {
        let title = values.count > 1 ? "\(number > 0 ? "\n" : "")\(Tool.printable(text))\n" : ""
        try Console.output.write(title + TensorSlice.text(found, shape: slice.shape) + "\n")
      }
    }
    if running.json { try Console.output.write(JSONValue.array(results).text + "\n") }
  }
}
