import Checkpoints
import FileIO
import JSONText
import SystemPackage
import TensorCore
import ToolSupport
import WeightAveraging

/// One merge from open checkpoints to the result line.
struct MergeJob {
  /// What to do when an input is given twice.
  enum RepeatedInputs {
    case refuse
    case report
  }

  let tool: Tool
  let output: OutputOptions
  let alignment: AlignmentOptions
  let run: RunOptions
  let readers: [CheckpointReader]
  let repeated: RepeatedInputs
  /// Whether an option that finds nothing to act on is an error.
  let isStrict: Bool
  /// What becomes of the tensors.
  let policy: AlignmentPolicy
  /// The number of updates to record in a moving average.
  var updateCount: Int?
  /// Where else the result is written, and in which dtype.
  var export: (output: OutputOptions, dtype: DType)?

  /// Does the work, prints the result, and ends the process.
  func perform(_ method: some MergeMethod, described description: String) throws -> Never {
    let start = ContinuousClock.now
    for notice in readers.flatMap(\.notices) { tool.notice(notice) }
    reportOtherContents()
    reportLayerNames()
    try checkRepeatedInputs()
    try ConfigurationCheck(readers).report(tool, allows: alignment.allowConfigDifferences)
    // Plan, result and header take some hundred bytes for each tensor.
    CurrentProcess.reserveMemory((readers.map(\.weights.count).max() ?? 0) * 256)
    let provenance = try provenance(method)
    let (plan, prepared) = try prepare(method, policy, provenance, output, updateCount)
    reportPartial(plan)
    let effects = alignment.effects(plan.effects, first: readers[0].path.string)
    try tool.reportWithoutEffect(effects, isStrict: isStrict)
    for notice in prepared.notices { tool.notice(notice) }
    let exported = try export.map { export in
      var policy = policy
      policy.outputDType = export.dtype
      return try prepare(method, policy, provenance, export.output, nil).output
    }
    try checkChecksums()
    var report = MergeReport(
      description: description, method: type(of: method).name, inputs: readers.map(\.path.string),
      plan: plan, effects: effects, output: prepared)
    report.exported = exported
    if !output.dryRun {
      // Whoever repeats a call that failed in between must not add a checkpoint twice: the state comes last.
      if let exported { _ = try write(exported) }
      report.stream = try write(prepared)
      report.seconds = (ContinuousClock.now - start).seconds
    }
    if run.json {
      try Console.output.write(report.json.text + "\n")
    } else if !run.quiet {
      try Console.output.write(Tool.printable(report.line) + "\n")
    }
    withExtendedLifetime((readers, report)) { CurrentProcess.end(status: 0) }
  }

  /// Aligns the inputs and lays the output out.
  private func prepare(
    _ method: some MergeMethod, _ policy: AlignmentPolicy, _ provenance: Provenance?,
    _ output: OutputOptions, _ updateCount: Int?
  ) throws -> (plan: MergePlan, output: PreparedOutput) {
    let plan = try MergePlan(
      readers.map(\.weights), labels: readers.map(\.path.string), policy: policy)
    var weights = try plan.weights { try method.recurrence(inputs: $0) }
      .recording(provenance)
    weights.metadata[Provenance.updateCountKey] = updateCount.map(String.init)
    var request = try output.request(like: readers[0])
    request.outputDType =
      policy.outputDType ?? (plan.effects[.outputDType] > 0 ? policy.narrowestDType : nil)
    return (plan, try PreparedOutput(weights, to: request))
  }

  private func write(_ prepared: PreparedOutput) throws -> StreamReport {
    let progress = ProgressLine(talk: run.talk)
    var options = run.streamOptions(progress: progress)
    options.verifies = output.verify
    defer { progress.finish() }
    return try prepared.write(options)
  }

  private func checkChecksums() throws {
    let threads = run.threads ?? CurrentProcess.processorCount
    for reader in readers { try reader.checkBeforeReading(threads: threads) }
  }

  private func checkRepeatedInputs() throws {
    for (index, reader) in readers.enumerated() {
      guard
        let other = readers[..<index].first(where: {
          !$0.identity.isDisjoint(with: reader.identity)
        })
      else { continue }
      guard repeated == .report else {
        throw JobError.repeatedInput(reader.path, other.path)
      }
      tool.notice("\(reader.path) is the same file as \(other.path)")
    }
  }

  private func reportOtherContents() {
    tool.notices(readers[0].unknownContents.count) { index in
      "\(readers[0].path): \(readers[0].unknownContents[index]) is of a class that is not understood: left out"
    }
    let others = readers[0].otherContents
    if others.isEmpty { return }
    let list = others.prefix(5).joined(separator: ", ")
    let more = others.count > 5 ? " and \(others.count - 5) more" : ""
    let format = try? output.request(like: readers[0]).chosenFormat()
    let isCut = output.maxShardSize != nil
    let isKept = format.map { readers[0].keepsOtherContents(in: $0, isCut: isCut) } ?? false
    tool.notice(
      "\(readers[0].path): \(list)\(more) "
        + (others.count == 1 ? "is no weight" : "are no weights")
        + (isKept ? ": taken from there" : ": left out"))
  }

  /// Layers that are matched although their names differ may be different layers.
  private func reportLayerNames() {
    let names = readers[0].layerNames
    for reader in readers.dropFirst() {
      let paths = names.keys.filter { path in
        reader.layerNames[path].map { $0 != names[path] } ?? false
      }.sorted()
      guard let path = paths.first, let name = names[path], let other = reader.layerNames[path]
      else { continue }
      let more = paths.count > 1 ? ", and \(paths.count - 1) more" : ""
      tool.notice(
        "layers are averaged by their place, but have other names: '\(path)' is '\(name)' in "
          + "\(readers[0].path) and '\(other)' in \(reader.path)\(more)")
    }
  }

  private func reportPartial(_ plan: MergePlan) {
    tool.notices(plan.renamings.count) { index in
      let renaming = plan.renamings[index]
      return "matched by position: '\(renaming.name)' of \(readers[renaming.input].path) with "
        + "'\(renaming.newName)'"
    }
    tool.notices(plan.wholeNumbers.count) { index in
      let entry = plan.wholeNumbers[index]
      return
        "tensor '\(entry.info.name)' holds whole numbers that some inputs have as floats: taken from "
        + readers[entry.inputs[0]].path.string
    }
    let partial = plan.partial(of: readers.count)
    tool.notices(partial.count) { index in
      let names = partial[index].inputs.map { readers[$0].path.string }.joined(separator: ", ")
      return "tensor '\(partial[index].info.name)' is only in \(names)"
    }
    tool.notices(plan.leftOut.count) { index in
      "tensor '\(plan.leftOut[index])' is left out: an input lacks it"
    }
  }

  private func provenance(_ method: some MergeMethod) throws -> Provenance? {
    if output.noProvenance { return nil }
    let inputs = try readers.enumerated().map { number, reader in
      Provenance.Input(
        name: reader.baseName, parameter: method.parameter(ofInput: number),
        digests: output.hashInputs ? try tool.digests(of: reader) : [])
    }
    return Provenance(method: type(of: method).name, inputs: inputs)
  }
}

/// A job that cannot be done as asked.
struct JobError: DiagnosedError {
  let kind: FailureKind
  let description: String
  let hint: String?

  static func repeatedInput(_ path: FilePath, _ other: FilePath) -> JobError {
    JobError(
      kind: .usage, description: "\(path) is the same file as \(other)",
      hint: "give each checkpoint once; --weights makes one count more than another")
  }

  static func exportReplacesState(_ path: FilePath) -> JobError {
    JobError(
      kind: .usage,
      description:
        "\(path) is the state, and --export-dtype writes a copy for inference, which is no state",
      hint: "update the state with -o \(path) and export beside it: --export FILE")
  }

  static func nothingToAdd(_ path: FilePath) -> JobError {
    JobError(
      kind: .usage, description: "there is no checkpoint to add to \(path)",
      hint: "name the checkpoints behind it, or give a quoted pattern that stands for several")
  }

  static func unreadableUpdateCount(_ path: FilePath, _ text: String) -> JobError {
    JobError(
      kind: .badInput,
      description: "\(path): the number of updates that it records is '\(text)', no number",
      hint: "tell the number with --step")
  }
}
