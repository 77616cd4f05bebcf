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
  let output: PreparedOutput
  /// What the stream noticed; nil when nothing was written.
  var stream: StreamReport?
  var seconds = 0.0

  /// One line: output, tensors, bytes, seconds, and the policies that were applied.
  func line(integers: AlignmentPolicy.Integers) -> String {
    let what =
      "\(output.destination): \(description) of \(counted(inputs.count, "checkpoint")), "
      + "\(counted(output.weights.count, "tensor")), "
      + ByteCount.text(output.byteCount)
    guard let stream else { return "would write " + what }
    var parts = ["wrote " + what + " in \(secondsText) s"]
    if !stream.disagreeing.isEmpty {
      parts.append(
        "\(counted(stream.disagreeing.count, "integer tensor")) "
          + "\(stream.disagreeing.count == 1 ? "differs" : "differ"): "
          + "taken from \(inputs[0])")
    }
    if integers == .max, plan.entries.contains(where: { $0.treatment == .fixed(.maximum) }) {
      parts.append("integers: the largest of the inputs")
    }
    if !plan.optimizerTensors.isEmpty {
      let isKept = plan.entries.contains { $0.info.name == plan.optimizerTensors[0] }
      parts.append(
        "optimizer state (\(counted(plan.optimizerTensors.count, "tensor"))) "
          + (isKept ? "taken from \(inputs[0])" : "dropped"))
    }
    return parts.joined(separator: "; ")
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
    ]
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
