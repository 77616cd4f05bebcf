import CheckpointInspection
import Checkpoints
import JSONText
import Plotting
import TensorCore
import ToolSupport

/// What a comparison has come to, for people and for other programs.
struct DiffResult {
  let comparison: CheckpointComparison
  let first: String
  let second: String

  /// The result for people.
  var text: String {
    var lines: [String] = []
    lines += comparison.onlyFirst.map { "only in \(first): \(DiffResult.described($0))" }
    lines += comparison.onlySecond.map { "only in \(second): \(DiffResult.described($0))" }
    for tensor in comparison.tensors where tensor.hasOtherShape || tensor.hasOtherDType {
      let kinds = [
        tensor.hasOtherDType
          ? "\(tensor.first.dtype.rawValue) and \(tensor.second.dtype.rawValue)" : nil,
        tensor.hasOtherShape ? "shape \(tensor.first.shape) and \(tensor.second.shape)" : nil,
      ].compactMap { $0 }
      lines.append("tensor '\(tensor.first.name)': \(kinds.joined(separator: ", "))")
    }
    let rows = comparison.tensors.compactMap { row($0) }
    if !rows.isEmpty {
      if !lines.isEmpty { lines.append("") }
      let header = ["tensor", "differ", "of", "largest |a-b|", "relative", "ulp", "at"]
      lines += TextTable.lines([header] + rows, leftAligned: [0, 6])
    }
    lines += metadataLines
    lines += comparison.parts.map { part in
      let texts = [part.first, part.second].map { text in
        text.map { $0.count > 60 ? $0.prefix(60) + "…" : $0[...] } ?? "none"
      }
      let note = part.effect == .none ? " (it does not count)" : ""
      return "\(part.label): \(texts[0]) and \(texts[1])\(note)"
    }
    lines += comparison.unread.map { "not compared: \($0.name): \($0.reason)" }
    lines.append(summary)
    return lines.map { Tool.printable($0) + "\n" }.joined()
  }

  private static func described(_ info: TensorInfo) -> String {
    "\(info.name) \(info.dtype.rawValue) \(info.shape)"
  }

  private func row(_ tensor: CheckpointComparison.TensorDifference) -> [String]? {
    guard let values = tensor.values, values.count > 0 else { return nil }
    let place = values.largest?.place ?? values.firstPlace ?? 0
    let indexes = tensor.first.dtype.bitWidth < 8 ? [place] : tensor.first.indexes(of: place)
    var row = [
      Tool.printable(tensor.first.name), NumberText.grouped(values.count),
      NumberText.grouped(tensor.first.shape.elementCount),
    ]
    if let largest = values.largest {
      row += [
        NumberText.text(largest.difference), NumberText.text(values.largestRelative),
        values.largestSteps > 0 ? String(values.largestSteps) : "–",
      ]
    } else {
      row += [values.loneNaNCount > 0 ? "nan" : "–", "–", "–"]
    }
    return row + [indexes.isEmpty ? "" : "\(indexes)"]
  }

  private var metadataLines: [String] {
    if comparison.metadata.isEmpty { return [] }
    let note = comparison.metadataCounts ? "" : " (formats differ: it does not count)"
    return ["metadata\(note):"]
      + comparison.metadata.map { entry in
        let texts = [entry.first, entry.second].map { text in
          text.map { "'\($0.count > 60 ? $0.prefix(60) + "…" : $0[...])'" } ?? "none"
        }
        return "  \(entry.key): \(texts[0]) and \(texts[1])"
      }
  }

  private var summary: String {
    let common = counted(comparison.commonCount, "tensor")
    if comparison.isSame { return "the same: \(common)" }
    let parts = [
      (comparison.onlyFirst.count + comparison.onlySecond.count, "only in one"),
      (comparison.tensors.count, "not the same"),
    ].filter { $0.0 > 0 }.map { "\(counted($0.0, "tensor")) \($0.1)" }
    let metadata =
      comparison.metadataCounts && !comparison.metadata.isEmpty ? ["metadata not the same"] : []
    let counting = comparison.parts.count { $0.effect != .none }
    let others = [(counting, "other"), (comparison.unread.count, "uncompared")]
      .filter { $0.0 > 0 }.map { "\(counted($0.0, "\($0.1) thing")) beside the tensors" }
    let all = (parts + metadata + others).joined(separator: ", ")
    let isUnknown = parts.isEmpty && metadata.isEmpty && counting == 0
    return "\(isUnknown ? "not known to be the same" : "different"): \(all); \(common) in both"
  }

  /// The result for other programs.
  var json: JSONValue {
    .object([
      .init("a", .string(first)), .init("b", .string(second)),
      .init("same", .bool(comparison.isSame)), .init("common", .integer(comparison.commonCount)),
      .init("only_a", .array(comparison.onlyFirst.map { .string($0.name) })),
      .init("only_b", .array(comparison.onlySecond.map { .string($0.name) })),
      .init("tensors", .array(comparison.tensors.map { json(of: $0) })),
      .init("metadata_counts", .bool(comparison.metadataCounts)),
      .init(
        "metadata",
        .array(
          comparison.metadata.map { entry in
            .object([
              .init("key", .string(entry.key)),
              .init("a", entry.first.map { .string($0) } ?? .null),
              .init("b", entry.second.map { .string($0) } ?? .null),
            ])
          })),
      .init("parts", .array(comparison.parts.map { json(of: $0) })),
      .init("not_compared", .array(comparison.unread.map { .string($0.name) })),
    ])
  }

  private func json(of part: PartDifference) -> JSONValue {
    .object([
      .init("part", .string(part.part)), .init("key", .string(part.key)),
      .init("a", part.first.map { .string($0) } ?? .null),
      .init("b", part.second.map { .string($0) } ?? .null),
      .init("counts", .bool(part.effect != .none)),
    ])
  }

  private func json(of tensor: CheckpointComparison.TensorDifference) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("name", .string(tensor.first.name)),
      .init("dtypes", .array([tensor.first, tensor.second].map { .string($0.dtype.rawValue) })),
      .init(
        "shapes",
        .array(
          [tensor.first, tensor.second].map { info in
            .array(info.shape.dimensions.map { .integer($0) })
          })),
    ]
    guard let values = tensor.values else { return .object(members) }
    members += [
      .init("differ", .integer(values.count)),
      .init("first_at", values.firstPlace.map { index(of: $0, tensor) } ?? .null),
      .init("largest", values.largest.map { .float($0.difference) } ?? .null),
      .init("largest_at", values.largest.map { index(of: $0.place, tensor) } ?? .null),
      .init("largest_relative", .float(values.largestRelative)),
      .init("largest_ulp", .number(String(values.largestSteps))),
      .init("nan_in_one", .integer(values.loneNaNCount)),
    ]
    return .object(members)
  }

  private func index(of place: Int, _ tensor: CheckpointComparison.TensorDifference) -> JSONValue {
    let indexes = tensor.first.dtype.bitWidth < 8 ? [place] : tensor.first.indexes(of: place)
    return .array(indexes.map { .integer($0) })
  }
}
