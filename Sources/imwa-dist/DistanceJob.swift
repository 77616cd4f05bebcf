import Checkpoints
import FileIO
import JSONText
import Plotting
import SystemPackage
import TensorCore
import ToolSupport
import WeightDistance

/// One measurement from the paths to the exit code.
struct DistanceJob {
  let tool: Tool
  let input: InputOptions
  let measure: MeasureOptions
  let display: DisplayOptions
  let gates: GateOptions
  let run: RunOptions
  let paths: [FilePath]

  /// Does the work, prints the result, and ends the process.
  func perform() throws -> Never {
    guard paths.count + (measure.base == nil ? 0 : 1) >= 2 else { throw JobError.oneModel(paths) }
    let basePaths = try measure.base.map { try CheckpointInputs([$0]).paths } ?? []
    guard basePaths.count <= 1 else { throw JobError.severalBases(basePaths) }
    let picture = try display.plot.map {
      try PictureFile(FilePath($0), replacing: display.force, inputs: paths + basePaths)
    }
    let readers = try input.open(paths + basePaths)
    for notice in readers.flatMap(\.notices) { tool.notice(notice) }
    noteRepeatedInputs(readers)
    let labels = readers.map(\.path.string)
    let measurement = try DistanceMeasurement(
      readers[..<paths.count].map(\.weights), labels: Array(labels[..<paths.count]),
      base: basePaths.isEmpty ? nil : (readers[paths.count].weights, labels[paths.count]),
      options: try options())
    try tool.reportWithoutEffect(effects(of: measurement.plan), isStrict: input.strict)
    let threads = run.threads ?? CurrentProcess.processorCount
    for reader in readers { try reader.checkBeforeReading(threads: threads) }
    let report = try measured(measurement)
    noteWhatDoesNotCount(report)
    let result = DistanceResult(report: report, display: display)
    if run.json {
      try Console.output.write(result.json.text + "\n")
    } else if display.csv {
      try Console.output.write(result.csv)
    } else if !run.quiet {
      try Console.output.write(result.table)
    }
    try picture?.write(result.picture)
    let status: Int32 = isRefused(report) ? 1 : 0
    withExtendedLifetime((readers, report)) { CurrentProcess.end(status: status) }
  }

  /// The options that act on some tensors, and how many they found.
  private func effects(of plan: DistancePlan) -> [OptionEffect] {
    var effects: [OptionEffect] = []
    if measure.allTensors {
      effects.append(
        OptionEffect(
          "--all-tensors", count: plan.otherCount,
          subject: "a running statistic, state of an optimizer or of integers"))
    }
    if measure.missing == .intersect {
      effects.append(
        OptionEffect(
          "--missing intersect", count: plan.leftOut.missing.count,
          subject: PolicyEffects.Setting.missing.subject))
    }
    return effects
  }

  private func noteRepeatedInputs(_ readers: [CheckpointReader]) {
    for (index, reader) in readers.enumerated() {
      let same = readers[..<index].first { !$0.identity.isDisjoint(with: reader.identity) }
      if let same { tool.notice("\(reader.path) is the same file as \(same.path)") }
    }
  }

  private func options() throws -> DistanceOptions {
    let metrics = measure.metric.metrics(hasBase: measure.base != nil)
    // JSON always tells the usual ones, and results for a base how the task vectors lie.
    var usual: [String] = run.json ? ["l2", "relative-l2", "cosine"] : []
    if measure.base != nil { usual += ["task-cosine", "task-size"] }
    var options = DistanceOptions(metrics)
    options.furtherMetrics = usual.compactMap { DistanceMetrics.metric(named: $0) }
      .filter { metric in !metrics.contains { $0.name == metric.name } }
    options.include = measure.patterns.included
    options.exclude = measure.patterns.excluded
    options.missing = measure.missing
    options.match = measure.match
    options.scope = measure.allTensors ? .allNumbers : .weights
    options.isNormalized = measure.normalize
    options.tellsTensors = display.perTensor
    options.tellsLayers = display.perLayer
    options.measuresSpread = run.json || display.csv || paths.count > 2
    return options
  }

  private func measured(_ measurement: DistanceMeasurement) throws -> DistanceReport {
    let progress = ProgressLine(talk: run.talk)
    defer { progress.finish() }
    return try measurement.report(run.streamOptions(progress: progress))
  }

  private func noteWhatDoesNotCount(_ report: DistanceReport) {
    let leftOut = report.leftOut
    let all: [(count: Int, noun: String)] = [
      (leftOut.batchNorm.count, "of BatchNorm statistics"),
      (leftOut.optimizer.count, "of optimizer state"), (leftOut.integers.count, "of integers"),
      (leftOut.movingAverages.count, "of moving averages"),
      (leftOut.progress.count, "of the progress of training"),
    ]
    let kinds = all.filter { $0.count > 0 }
    if !kinds.isEmpty {
      let counts = kinds.map { "\(counted($0.count, "tensor")) \($0.noun)" }
      tool.notice("\(counts.joined(separator: ", ")) left out; --all-tensors includes them")
    }
    if !leftOut.quantized.isEmpty {
      tool.notice(
        "\(counted(leftOut.quantized.count, "quantised tensor")) left out: codes have no distance")
    }
    tool.notices(leftOut.missing.count) { index in
      "tensor '\(leftOut.missing[index])' is left out: a model lacks it"
    }
    if !report.undefined.isEmpty {
      tool.notice(
        "\(report.undefined.joined(separator: ", ")): no value, because the squares of values are too "
          + "small or too large for F64")
    }
    for place in report.nonFinite { tool.notice(place) }
  }

  /// Tells every pair that is beyond a limit; returns whether there is one.
  private func isRefused(_ report: DistanceReport) -> Bool {
    guard gates.isUsed else { return false }
    var isRefused = false
    for (index, pair) in (report.pairs + report.basePairs).enumerated() {
      let value = report.total.value(ofPair: index)
      guard let reason = gates.failure(value) else { continue }
      isRefused = true
      let names = report.models + (report.base.map { [$0] } ?? [])
      tool.notice(
        "\(report.metrics[0].name) of \(names[pair.a]) and \(names[pair.b]) is "
          + "\(NumberText.text(value)), \(reason)")
    }
    return isRefused
  }
}

/// A job that cannot be done as asked.
struct JobError: DiagnosedError {
  let kind: FailureKind
  let description: String
  let hint: String?

  static func oneModel(_ paths: [FilePath]) -> JobError {
    JobError(
      kind: .usage, description: "\(paths.map(\.string).joined(separator: ", ")): one model alone",
      hint: "name two models or more, or one and --base")
  }

  static func severalBases(_ paths: [FilePath]) -> JobError {
    JobError(
      kind: .usage, description: "--base names \(paths.count) checkpoints",
      hint: "name one of them: " + paths.prefix(3).map(\.string).joined(separator: ", "))
  }

  static func pictureIsInput(_ path: FilePath) -> JobError {
    JobError(
      kind: .usage, description: "\(path) is one of the models", hint: "give --plot another name")
  }
}
