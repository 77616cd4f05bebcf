import ArgumentParser
import Checkpoints
import FileIO
import SystemPackage
import ToolSupport
import WeightAveraging

/// `imwa-avg merge`.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Write the mean or weighted mean of checkpoints.",
    discussion: """
      Every value is computed in float64 and rounded once. Tensors are matched by name; all that does \
      not fit is listed before anything is written. Integers are copied, quantised tensors are never \
      averaged.

      \(Tool.exitStatusHelp)
      """)

  @Argument(
    help: ArgumentHelp(
      "Checkpoints: files, folders that hold a model, folders of checkpoints, or quoted patterns.",
      valueName: "in"))
  var inputs: [String]

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "One weight for each input; they are divided by their sum. Default: all the same.",
      valueName: "w1,w2,…"))
  var weights: NumberList?

  @OptionGroup(title: "Reading") var input: InputOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Which checkpoints") var selection: SelectionOptions
  @OptionGroup(title: "Which tensors, and how") var alignment: AlignmentOptions
  @OptionGroup(title: "Running") var running: RunOptions

  func run() throws {
    let tool = Tool(name: ImwaAvg.toolName, talk: running.talk)
    try tool.run {
      let paths = try chosenPaths(tool)
      let readers = try input.open(
        paths, givesStructure: output.takesStructure, takesCopies: output.keepsCopies)
      let method = try LinearAverage(weights: weights?.numbers, inputCount: readers.count)
      warnOfCancellation(tool)
      let repeated: MergeJob.RepeatedInputs = weights == nil ? .refuse : .report
      let job = MergeJob(
        tool: tool, output: output, alignment: alignment, run: running, readers: readers,
        repeated: repeated, isStrict: input.strict, policy: alignment.policy)
      try job.perform(method, described: weights == nil ? "mean" : "weighted mean")
    }
  }

  /// Decimal weights such as 0.1, 0.2 and −0.3 sum to nearly zero, by which nothing should be divided.
  private func warnOfCancellation(_ tool: Tool) {
    guard let numbers = weights?.numbers else { return }
    let (sum, size) = numbers.reduce((0.0, 0.0)) { ($0.0 + $1, $0.1 + $1.magnitude) }
    if sum.magnitude < 1e-9 * size {
      tool.notice("the weights nearly cancel: their sum is \(sum), and they are divided by it")
    }
  }

  private func chosenPaths(_ tool: Tool) throws -> [FilePath] {
    let isChoosing = selection.last != nil || selection.best != nil
    var found = try CheckpointInputs(
      inputs, for: isChoosing ? .selection : .averaging, output: FilePath(output.output))
    let count = found.paths.count
    if let last = selection.last { found.keepLast(last) }
    for notice in found.notices { tool.notice(notice) }
    let paths = found.paths
    if selection.last != nil {
      tool.notice("the last \(paths.count) of \(count) checkpoints: \(names(paths))")
    }
    if let count = selection.best, let metric = selection.metric, let mode = selection.mode {
      let best = try MetricSelection(metric: metric, mode: mode).best(count, of: paths)
      let list = best.map { "\($0.path) (\(metric) \($0.value))" }.joined(separator: ", ")
      tool.notice("the best \(best.count) of \(paths.count) checkpoints: \(list)")
      return best.map(\.path)
    }
    return paths
  }

  private func names(_ paths: [FilePath]) -> String {
    paths.map(\.string).joined(separator: ", ")
  }
}
