import CheckpointInspection
import Checkpoints
import FileIO
import JSONText
import SystemPackage
import TensorCore
import ToolSupport

/// One conversion from the open checkpoint to the result line.
struct ConvertJob {
  let tool: Tool
  let output: OutputOptions
  let run: RunOptions
  let options: ConversionOptions
  /// How names are changed, as it was typed: `--rename s/a/b/`; nil when they are not.
  let renaming: String?
  /// Whether an option that finds no tensor to act on is an error.
  let isStrict: Bool
  /// What is not in the part of the file that was asked for.
  var outside: [String] = []

  /// Does the work, prints the result, and ends the process.
  func perform(_ reader: CheckpointReader) throws -> Never {
    let start = ContinuousClock.now
    var request = try output.request(like: reader)
    request.outputDType = options.policy.outputDType
    request.unties = options.unties
    let chosen = try request.chosenFormat()
    let plan = try ConversionPlan(reader, to: chosen, options: options)
    request.arrangement = reader.arrangement.renaming(plan.newNames)
    if !outside.isEmpty {
      let more = outside.count > 5 ? " and \(outside.count - 5) more" : ""
      tool.notice(
        "\(reader.path): \(outside.prefix(5).joined(separator: ", "))\(more) "
          + "\(outside.count == 1 ? "is" : "are") not in the part that was asked for: left out")
    }
    let effects = effects(of: plan)
    try tool.reportWithoutEffect(effects, isStrict: isStrict)
    tool.notices(plan.skipped.count) { "left out: \(plan.skipped[$0].description)" }
    if plan.losesStructure {
      tool.notice(
        "tensors and metadata are taken over; what else \(reader.format.name) says of the model is not"
      )
    }
    var weights = plan.weights
    weights.metadata[Provenance.key] = try provenance(of: reader)?.json.text
    let prepared = try PreparedOutput(weights, to: request)
    for notice in prepared.notices { tool.notice(notice) }
    if !output.dryRun {
      try reader.checkBeforeReading(threads: run.threads ?? CurrentProcess.processorCount)
      try tool.working(run.work) { stream in
        var stream = stream
        stream.nonFinite = run.allowsNaN ? .allow : .refuseOverflow
        stream.verifies = output.verify
        _ = try prepared.write(stream)
      }
    }
    let seconds = (ContinuousClock.now - start).seconds
    if run.json {
      let result = json(reader, plan, prepared, chosen, effects, seconds: seconds)
      try Console.output.write(result.text + "\n")
    } else if !run.quiet {
      try Console.output.write(
        Tool.printable(line(plan, prepared, chosen, seconds: seconds)) + "\n")
    }
    withExtendedLifetime(reader) { CurrentProcess.end(status: 0) }
  }

  /// The options that act on some tensors, and how many they found.
  private func effects(of plan: ConversionPlan) -> [OptionEffect] {
    var effects: [OptionEffect] = []
    if let dtype = options.policy.outputDType {
      effects.append(
        OptionEffect(
          "--out-dtype \(dtype.rawValue)", count: plan.convertedCount,
          subject: PolicyEffects.Setting.outputDType.subject))
    }
    if let renaming {
      effects.append(
        OptionEffect(renaming, count: plan.newNames.count, subject: "named so that it applies"))
    }
    if options.unties {
      let count = TiedTensors(plan.weights).groups.enumerated().count { $0 != $1 }
      effects.append(OptionEffect("--untie", count: count, subject: "tied to another"))
    }
    if options.skipsUnsupported {
      effects.append(
        OptionEffect(
          "--skip-unsupported", count: plan.skipped.count,
          subject: "of a kind that the format cannot hold"))
    }
    return effects
  }

  /// Where the result comes from; what the input itself records stays true of it.
  private func provenance(of reader: CheckpointReader) throws -> Provenance? {
    if output.noProvenance { return nil }
    var input = Provenance.Input(
      name: reader.baseName, digests: output.hashInputs ? try tool.digests(of: reader) : [])
    input.origin = Provenance.record(in: reader.weights)
    return Provenance(method: "convert", inputs: [input])
  }

  private func line(
    _ plan: ConversionPlan, _ prepared: PreparedOutput, _ format: any CheckpointFormat.Type,
    seconds: Double
  ) -> String {
    var details = [
      format.name, counted(prepared.weights.count, "tensor"), ByteCount.text(prepared.byteCount),
    ]
    if !plan.newNames.isEmpty { details.append("\(plan.newNames.count) renamed") }
    if plan.convertedCount > 0 {
      details.append("\(plan.convertedCount) as \(options.policy.outputDType?.rawValue ?? "")")
    }
    if output.dryRun {
      return "\(prepared.destination): would be written: \(details.joined(separator: ", "))"
    }
    let time = (seconds * 100).rounded() / 100
    return "\(prepared.destination): \(details.joined(separator: ", ")) in \(time) s"
  }

  private func json(
    _ reader: CheckpointReader, _ plan: ConversionPlan, _ prepared: PreparedOutput,
    _ format: any CheckpointFormat.Type, _ effects: [OptionEffect], seconds: Double
  ) -> JSONValue {
    .object([
      .init("input", .string(reader.path.string)), .init("output", .string(prepared.destination)),
      .init("format", .string(format.name)), .init("written", .bool(!output.dryRun)),
      .init("files", .array(prepared.fileNames.map { .string($0) })),
      .init("tensor_count", .integer(prepared.weights.count)),
      .init("bytes", .integer(prepared.byteCount)),
      .init("renamed", .integer(plan.newNames.count)),
      .init("converted", .integer(plan.convertedCount)),
      .init("options", effects.json),
      .init("skipped", .array(plan.skipped.map { .string($0.description) })),
      .init("outside", .array(outside.map { .string($0) })),
      .init("seconds", .float(seconds)),
    ])
  }
}
