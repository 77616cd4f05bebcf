import ArgumentParser
import Checkpoints
import SystemPackage
import TensorCore
import ToolSupport
import WeightAveraging

/// `imwa-avg ema`.
struct EMACommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ema",
    abstract: "Add checkpoints to an exponential moving average.",
    discussion: """
      state ← decay · state + (1 − decay) · new, for each new checkpoint in order: one float64 \
      recurrence, rounded once at the end. The first checkpoint of a run is the first state. The number \
      of updates is kept in the file. To update a file in place, give it as output with --force.

      \(Tool.exitStatusHelp)
      """)

  @Argument(
    help: ArgumentHelp(
      "The average so far; alone, a quoted pattern or folder whose first checkpoint is that.",
      valueName: "state"))
  var state: String

  @Argument(help: ArgumentHelp("The checkpoints to add, in order.", valueName: "new"))
  var new: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much of the average is kept at each update, from 0 to 1.", valueName: "λ"))
  var decay: Double

  @Flag(help: "Begin with small decays: min(λ, (1+t)/(10+t)) at the update after t others.")
  var warmup = false

  @Option(
    help: ArgumentHelp(
      "The number of updates made before, instead of the one kept in the state.", valueName: "t"))
  var step: Int?

  @OptionGroup(title: "Reading") var input: InputOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Which tensors, and how") var alignment: AlignmentOptions
  @OptionGroup(title: "Running") var running: RunOptions

  func validate() throws {
    if let step, !(0...EMACommand.maximumUpdates).contains(step) {
      throw ValidationError("--step must be between 0 and \(EMACommand.maximumUpdates)")
    }
  }

  func run() throws {
    let tool = Tool(name: ImwaAvg.toolName, talk: running.talk)
    try tool.run {
      let paths = try chosenPaths(tool)
      let readers = try input.open(paths, givesStructure: output.takesStructure)
      let earlier = try step ?? recordedUpdates(readers[0])
      let updates = readers.count - 1
      let method = try ExponentialMovingAverage(
        decay: decay, updateCount: updates, earlierUpdates: warmup ? earlier : nil)
      let job = MergeJob(
        tool: tool, output: output, alignment: alignment, run: running, readers: readers,
        repeated: .report, updateCount: earlier + updates)
      try job.perform(method, described: "moving average")
    }
  }

  private func chosenPaths(_ tool: Tool) throws -> [FilePath] {
    let found = try CheckpointInputs(new.isEmpty ? [state] : new, for: .averaging)
    for notice in found.notices { tool.notice(notice) }
    if !new.isEmpty { return [FilePath(state)] + found.paths }
    guard found.paths.count > 1 else { throw JobError.nothingToAdd(FilePath(state)) }
    return found.paths
  }

  /// More updates than any run makes, and few enough to be exact numbers for every reader.
  private static let maximumUpdates = 1 << 50

  private func recordedUpdates(_ state: CheckpointReader) throws -> Int {
    guard let text = state.weights.metadata[Provenance.updateCountKey] else { return 0 }
    guard let count = Int(text), (0...EMACommand.maximumUpdates).contains(count) else {
      throw JobError.unreadableUpdateCount(state.path, text)
    }
    return count
  }
}
