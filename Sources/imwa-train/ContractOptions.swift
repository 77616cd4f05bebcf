import ArgumentParser
import FileIO
import SystemPackage
import Training

/// What a run tells its trainer: as options, or else as variables of the environment.
struct ContractOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The model to start from. [IMWA_INIT]", valueName: "file"))
  var `init`: String?

  @Option(help: ArgumentHelp("Where the trained model goes. [IMWA_OUT]", valueName: "file"))
  var out: String?

  @Option(
    help: ArgumentHelp(
      "The optimizer's state and the place in the data to go on from. [IMWA_STATE_IN]",
      valueName: "file"))
  var stateIn: String?

  @Option(help: ArgumentHelp("Where they go. [IMWA_STATE_OUT]", valueName: "file"))
  var stateOut: String?

  @Option(
    help: ArgumentHelp(
      "The moving average to go on from; the model without it. [IMWA_EMA_INIT]", valueName: "file"))
  var emaInit: String?

  @Option(help: ArgumentHelp("Where the moving average goes. [IMWA_EMA_OUT]", valueName: "file"))
  var emaOut: String?

  @Option(
    help: ArgumentHelp(
      "What decides the order of the data and its noise. [IMWA_SEED]", valueName: "number"))
  var seed: UInt64?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The first iteration. [IMWA_FROM_ITERATION] Default: 0.", valueName: "number"))
  var fromIteration: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The iteration to stop before. [IMWA_TO_ITERATION]", valueName: "number"))
  var toIteration: Int?

  @Option(
    help: ArgumentHelp(
      "How many iterations the schedule is for. [IMWA_TOTAL_ITERATIONS] Default: --to-iteration.",
      valueName: "count"))
  var totalIterations: Int?

  /// The step that is asked for, without its settings.
  ///
  /// - Throws: `ValidationError` for what is missing or no number.
  func step() throws -> TrainingStep {
    guard let start = text(`init`, "IMWA_INIT") else {
      throw ValidationError("--init is missing: the model to start from")
    }
    guard let output = text(out, "IMWA_OUT") else {
      throw ValidationError("--out is missing: where the trained model goes")
    }
    var step = TrainingStep(from: FilePath(start), to: FilePath(output))
    step.stateInput = text(stateIn, "IMWA_STATE_IN").map { FilePath($0) }
    step.stateOutput = text(stateOut, "IMWA_STATE_OUT").map { FilePath($0) }
    step.averageInput = text(emaInit, "IMWA_EMA_INIT").map { FilePath($0) }
    step.averageOutput = text(emaOut, "IMWA_EMA_OUT").map { FilePath($0) }
    step.seed = try number(seed, "IMWA_SEED") ?? 0
    let first = try number(fromIteration, "IMWA_FROM_ITERATION") ?? 0
    guard let last = try number(toIteration, "IMWA_TO_ITERATION") else {
      throw ValidationError("--to-iteration is missing: the iteration to stop before")
    }
    guard first <= last else {
      throw ValidationError("--from-iteration \(first) is behind --to-iteration \(last)")
    }
    step.iterations = first..<last
    step.totalIterations = try number(totalIterations, "IMWA_TOTAL_ITERATIONS") ?? max(last, 0)
    return step
  }

  private func text(_ option: String?, _ variable: String) -> String? {
    option ?? CurrentProcess.environmentValue(variable)
  }

  private func number<Number: FixedWidthInteger>(_ option: Number?, _ variable: String) throws
    -> Number?
  {
    try option ?? ContractOptions.number(variable)
  }

  /// Whether only the options are to be looked at: a run does so before it starts.
  static var onlyChecksOptions: Bool {
    CurrentProcess.environmentValue("IMWA_CHECK_OPTIONS") != nil
  }

  /// The number in a variable of the environment; nil when it is not set.
  ///
  /// - Throws: `ValidationError` when it is no number.
  static func number<Number: FixedWidthInteger>(_ variable: String) throws -> Number? {
    guard let text = CurrentProcess.environmentValue(variable) else { return nil }
    guard let number = Number(text) else {
      throw ValidationError("the variable \(variable) is '\(text)', which is no number that fits")
    }
    return number
  }
}
