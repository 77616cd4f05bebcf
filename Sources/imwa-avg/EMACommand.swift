import ArgumentParser
import Checkpoints
import FileIO
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
      of updates is kept in the file. To update a file in place, give it as output with --force. A state of 16 \
      bits would lose small updates: it is kept in F32.

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

  @Option(
    help: ArgumentHelp(
      "The dtype that the average is kept in. Default: F32 for inputs of 16 bits and less, else that of the state.",
      valueName: "dtype"))
  var stateDtype: FloatingDType?

  @Option(
    help: ArgumentHelp(
      "Also write the average to this file or folder, for inference.", valueName: "file"))
  var export: String?

  @Option(
    help: ArgumentHelp(
      "The dtype of what is exported; without --export, of the output, which then is no state. Default: that of the last checkpoint.",
      valueName: "dtype"))
  var exportDtype: FloatingDType?

  @OptionGroup(title: "Reading") var input: InputOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Which tensors, and how") var alignment: AlignmentOptions
  @OptionGroup(title: "Running") var running: RunOptions

  func validate() throws {
    if stateDtype != nil && alignment.outDtype != nil {
      throw ValidationError("--state-dtype and --out-dtype cannot be used together")
    }
    if stateDtype != nil && isExportAlone {
      throw ValidationError(
        "--export-dtype without --export writes no state: leave --state-dtype out")
    }
    if let step, !(0...EMACommand.maximumUpdates).contains(step) {
      throw ValidationError("--step must be between 0 and \(EMACommand.maximumUpdates)")
    }
  }

  func run() throws {
    let tool = Tool(name: ImwaAvg.toolName, talk: running.talk)
    try tool.run {
      let paths = try chosenPaths(tool)
      let readers = try input.open(
        paths, givesStructure: output.takesStructure, takesCopies: output.keepsCopies)
      let earlier = try step ?? recordedUpdates(readers[0])
      let updates = readers.count - 1
      let method = try ExponentialMovingAverage(
        decay: decay, updateCount: updates, earlierUpdates: warmup ? earlier : nil)
      var job = MergeJob(
        tool: tool, output: output, alignment: alignment, run: running, readers: readers,
        repeated: .report, isStrict: input.strict, policy: try policy(method, readers),
        updateCount: isExportAlone ? nil : earlier + updates)
      if let export {
        var exportOutput = output
        exportOutput.output = export
        job.export = (exportOutput, exportDtype?.dtype ?? usualDType(readers[readers.count - 1]))
      }
      try job.perform(method, described: "moving average")
    }
  }

  /// Whether the output is what inference wants, and no state.
  private var isExportAlone: Bool { exportDtype != nil && export == nil }

  /// The policy with the dtype that the state is kept in.
  private func policy(_ method: ExponentialMovingAverage, _ readers: [CheckpointReader]) throws
    -> AlignmentPolicy
  {
    var policy = alignment.policy
    if isExportAlone {
      let isState = FileStatus(of: FilePath(output.output)).map { status in
        readers[0].identity.contains(status.identity)
      }
      if isState == true { throw JobError.exportReplacesState(readers[0].path) }
      policy.outputDType = exportDtype?.dtype
      return policy
    }
    policy.outputDType = stateDtype?.dtype ?? policy.outputDType
    if let dtype = policy.outputDType { try method.checkState(of: dtype) }
    policy.narrowestDType = .float32
    return policy
  }

  /// The dtype that most values of a model have, which an export has as well.
  private func usualDType(_ reader: CheckpointReader) -> DType {
    var counts: [DType: Int] = [:]
    for tensor in reader.weights.tensors where tensor.info.dtype.kind == .floating {
      counts[tensor.info.dtype, default: 0] += tensor.info.byteCount
    }
    return counts.max { ($0.value, $0.key.bitWidth) < ($1.value, $1.key.bitWidth) }?.key ?? .float32
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
