import CheckpointInspection
import Checkpoints
import FileIO
import JSONText
import Plotting
import SystemPackage
import TensorCore
import ToolSupport

/// What is in a checkpoint, for people and for other programs.
struct ShowResult {
  let reader: CheckpointReader
  let overview: CheckpointOverview
  /// The statistics of each tensor, when they are asked for; nil within for codes.
  let statistics: [TensorStatistics?]?
  let isFlat: Bool
  /// For each tensor the first one that it is the same as; nil where that is itself.
  private let ties: [Int?]

  init(
    reader: CheckpointReader, weights: WeightMap, statistics: [TensorStatistics?]?, isFlat: Bool
  ) {
    self.reader = reader
    self.statistics = statistics
    self.isFlat = isFlat
    // Of tens of thousands of tensors, both take a while.
    (overview, ties) = concurrently(
      { CheckpointOverview(weights) },
      { TiedTensors(weights).groups.enumerated().map { $0 == $1 ? nil : $1 } })
  }

  /// The name of the tensor that another one is the same as.
  private func tie(ofTensor position: Int) -> String? {
    ties[position].map { overview.weights.tensors[$0].info.name }
  }

  /// The result for people.
  var text: String {
    let table = TextTable.lines(
      [header] + rows, leftAligned: [0, 1, 2, statistics == nil ? 5 : 12])
    let lines = headLines.map { Tool.printable($0) } + table
    return lines.joined(separator: "\n") + "\n"
  }

  private var headLines: [String] {
    let total = overview.total
    let files = reader.files.count == 1 ? "" : " in \(reader.files.count) files"
    var lines = [
      "\(reader.path): \(reader.format.name), \(counted(total.tensorCount, "tensor"))\(files), "
        + ByteCount.text(total.byteCount)
    ]
    let kinds: [(CheckpointOverview.Role, String)] = [
      (.weight, "parameters"), (.batchNorm, "values of BatchNorm statistics"),
      (.optimizer, "values of optimizer state"), (.movingAverage, "values of moving averages"),
      (.code, "codes of a quantisation"), (.scale, "scales of codes"), (.constant, "constants"),
      (.progress, "values of the progress of training"), (.integer, "integers"),
    ]
    for (role, noun) in kinds {
      guard let total = overview.totals[role] else { continue }
      lines.append(
        "  \(NumberText.grouped(total.elementCount)) \(noun) in \(counted(total.tensorCount, "tensor"))"
      )
    }
    if !overview.dtypes.isEmpty {
      lines.append(
        "  dtypes: "
          + overview.dtypes.map { "\($0.dtype.rawValue) (\($0.count))" }.joined(separator: ", "))
    }
    for (key, value) in overview.weights.metadata.sorted(by: { $0.key < $1.key }) {
      lines.append(
        "  metadata: \(key.text) = \(value.count > 200 ? value.prefix(200) + "…" : value[...])")
    }
    lines += overview.weights.unreadable.map { "  not readable: '\($0.name)': \($0.reason)" }
    for other in reader.otherContents { lines.append("  no tensor: \(other)") }
    return lines + [""]
  }

  private var header: [String] {
    ["name", "dtype", "shape", "values", "size"]
      + (statistics == nil ? [] : ["min", "max", "mean", "std", "zeros", "NaN", "Inf"]) + ["role"]
  }

  private var rows: [[String]] {
    // There may be tens of thousands.
    let share = 4096
    if !isFlat { return concurrentMap(overview.tree(), share: share) { row($0) } }
    return concurrentMap(Array(overview.weights.tensors.indices), share: share) { position in
      row(position, named: overview.weights.tensors[position].info.name)
    }
  }

  private func row(_ node: CheckpointOverview.Node) -> [String] {
    let label = String(repeating: "  ", count: node.depth) + node.label
    if let tensor = node.tensor { return row(tensor, named: label) }
    return [
      Tool.printable(label), "", "", NumberText.grouped(node.total.elementCount),
      ByteCount.text(node.total.byteCount),
    ]
  }

  private func row(_ position: Int, named name: String) -> [String] {
    let info = overview.weights.tensors[position].info
    let role = overview.roles[position]
    var row = [
      Tool.printable(name), info.dtype.rawValue, "\(info.shape)",
      NumberText.grouped(info.shape.elementCount), ByteCount.text(info.byteCount),
    ]
    if let statistics {
      let found = statistics[position]
      row += [found?.minimum, found?.maximum, found?.mean, found?.standardDeviation].map { value in
        value.map { NumberText.text($0, significantDigits: 4) } ?? "–"
      }
      row += [found?.zeroCount, found?.nanCount, found?.infinityCount].map { count in
        count.map { NumberText.grouped($0) } ?? "–"
      }
    }
    let notes = [
      role == .weight ? nil : role.rawValue,
      tie(ofTensor: position).map { Tool.printable("tied to \($0)") },
    ]
    return row + [notes.compactMap { $0 }.joined(separator: ", ")]
  }

  /// The result for other programs.
  var json: JSONValue {
    let total = overview.total
    let metadata = overview.weights.metadata.sorted { $0.key < $1.key }
    return .object([
      .init("path", .string(reader.path.string)), .init("format", .string(reader.format.name)),
      .init("files", .array(reader.files.map { .string($0.path.string) })),
      .init("tensor_count", .integer(total.tensorCount)), .init("bytes", .integer(total.byteCount)),
      .init("parameters", .integer(overview.totals[.weight]?.elementCount ?? 0)),
      .init("batch_norm_values", .integer(overview.totals[.batchNorm]?.elementCount ?? 0)),
      .init("optimizer_values", .integer(overview.totals[.optimizer]?.elementCount ?? 0)),
      .init(
        "dtypes",
        .object(overview.dtypes.map { .init($0.dtype.rawValue, .integer($0.count)) })),
      .init("metadata", .object(metadata.map { .init($0.key.text, .string($0.value)) })),
      .init("other_contents", .array(reader.otherContents.map { .string($0) })),
      .init("unreadable", .array(overview.weights.unreadable.map(\.json))),
      .init("notices", .array(reader.notices.map { .string($0) })),
      .init("tensors", .array(overview.weights.tensors.indices.map { json(ofTensor: $0) })),
    ])
  }

  private func json(ofTensor position: Int) -> JSONValue {
    let info = overview.weights.tensors[position].info
    var members: [JSONValue.Member] = [
      .init("name", .string(info.name)), .init("dtype", .string(info.dtype.rawValue)),
      .init("shape", .array(info.shape.dimensions.map { .integer($0) })),
      .init("values", .integer(info.shape.elementCount)), .init("bytes", .integer(info.byteCount)),
    ]
    let role = overview.roles[position]
    if role != .weight {
      members.append(.init("role", .string(role.rawValue.replacing(" ", with: "_"))))
    }
    if let name = tie(ofTensor: position) { members.append(.init("tied_to", .string(name))) }
    if let found = statistics?[position] {
      let numbers: [(String, Double?)] = [
        ("min", found.minimum), ("max", found.maximum), ("mean", found.mean),
        ("std", found.standardDeviation),
      ]
      members += numbers.map { .init($0.0, $0.1.map { .float($0) } ?? .null) }
      members += [
        .init("zeros", .integer(found.zeroCount)), .init("nan", .integer(found.nanCount)),
        .init("inf", .integer(found.infinityCount)),
      ]
    }
    return .object(members)
  }
}
