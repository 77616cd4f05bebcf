import Checkpoints
import JSONText
import TensorCore
import ToolSupport

/// What a merge did, for people and for programs.
struct MergeReport {
  let description: String
  let method: String
  let inputs: [String]
  let plan: MergePlan
  /// What the options that were given found to act on.
  let effects: [OptionEffect]
  let output: PreparedOutput
  /// What else the result was written to.
  var exported: PreparedOutput?
  /// What the stream noticed; nil when nothing was written.
  var stream: StreamReport?
  var seconds = 0.0

  /// One line: output, tensors, bytes, seconds, and the policies that were applied.
  var line: String {
    let what =
      "\(output.destination): \(description) of \(counted(inputs.count, "checkpoint")), "
      + "\(counted(output.weights.count, "tensor")), "
      + ByteCount.text(output.byteCount)
    guard let stream else { return "would write " + what }
    var parts = ["wrote " + what + " in \(secondsText) s"]
    parts += disagreement(stream.disagreeing)
    let maxima = plan.entries.count { $0.treatment == .fixed(.maximum) }
    if maxima > 0 {
      parts.append("\(counted(maxima, "integer tensor")): the largest of the inputs")
    }
    if !plan.optimizerTensors.isEmpty {
      let isKept = plan.entries.contains { $0.info.name == plan.optimizerTensors[0] }
      parts.append(
        "optimizer state (\(counted(plan.optimizerTensors.count, "tensor"))) "
          + (isKept ? "taken from \(inputs[0])" : "dropped"))
    }
    if let exported { parts.append("exported to \(exported.destination)") }
    return (parts + effects.summaries).joined(separator: "; ")
  }

  /// The tensors that are not averaged, and differ.
  private func disagreement(_ names: [String]) -> [String] {
    let names = Set(names)
    let roles = plan.entries.filter { names.contains($0.info.name) }.map(\.role)
    let codes = roles.count { $0 == .code || $0 == .scale }
    let progress = roles.count { $0 == .progress }
    let kinds: [(count: Int, noun: String)] = [
      (roles.count - codes - progress, "integer tensor"), (codes, "tensor of quantised layers"),
      (progress, "tensor of training progress"),
    ]
    return kinds.filter { $0.count > 0 }.map { count, noun in
      let nouns = noun.replacing("tensor", with: count == 1 ? "tensor" : "tensors")
      return "\(count) \(nouns) \(count == 1 ? "differs" : "differ"): taken from \(inputs[0])"
    }
  }

  var json: JSONValue {
    var members = [
      JSONValue.Member("output", .string(output.destination)),
      JSONValue.Member("method", .string(method)),
      JSONValue.Member("inputs", .array(inputs.map { .string($0) })),
      JSONValue.Member("tensors", .integer(output.weights.count)),
      JSONValue.Member("bytes", .integer(output.byteCount)),
      JSONValue.Member("files", .array(output.fileNames.map { .string($0) })),
      JSONValue.Member("left_out", .array(plan.leftOut.map { .string($0) })),
      JSONValue.Member(
        "partial", .array(plan.partial(of: inputs.count).map { .string($0.info.name) })),
      JSONValue.Member("optimizer_tensors", .integer(plan.optimizerTensors.count)),
      JSONValue.Member("options", effects.json),
    ]
    if let exported { members.append(JSONValue.Member("exported", .string(exported.destination))) }
    if let stream {
      members.append(JSONValue.Member("written", .bool(true)))
      members.append(
        JSONValue.Member("differing_integers", .array(stream.disagreeing.map { .string($0) })))
      members.append(JSONValue.Member("seconds", .float((seconds * 1e6).rounded() / 1e6)))
    } else {
      members.append(JSONValue.Member("written", .bool(false)))
    }
    return .object(members)
  }

  /// Seconds with three digits behind the point.
  private var secondsText: String {
    let thousandths = Int((seconds * 1000).rounded())
    let fraction = String(thousandths % 1000)
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
  }
}
