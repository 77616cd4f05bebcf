import Checkpoints
import SystemPackage
import TensorCore
import ToolSupport

/// Whether inputs mean the same by tensors of the same names and shapes.
struct ConfigurationCheck {
  private let labels: [String]
  private let comparisons: [PartComparison]
  private let isLowRank: Bool

  /// Compares what lies beside the tensors of each input with that of the first.
  init(_ readers: [CheckpointReader]) throws {
    labels = readers.map(\.path.string)
    let first = try readers[0].allParts(comparesTensors: false)
    comparisons = try readers.dropFirst().map { reader in
      try PartComparison(
        first, reader.allParts(comparesTensors: false),
        onlyCommon: reader.format.name != readers[0].format.name)
    }
    isLowRank = readers[0].weights.tensors.contains { ConfigurationCheck.isFactor($0.info.name) }
  }

  /// Whether a name is that of the factor A of an adapter.
  ///
  /// Its bytes are looked at: a search for strings would take as long as the average of tens of thousands of tensors.
  private static func isFactor(_ name: String) -> Bool {
    var rest = name.utf8[...]
    while let start = rest.firstIndex(of: UInt8(ascii: "l")) {
      rest = rest[start...]
      if rest.starts(with: "lora_A".utf8) || rest.starts(with: "lora_down".utf8) { return true }
      rest.removeFirst()
    }
    return false
  }

  /// Tells what differs, and what no average of the tensors can mean.
  ///
  /// - Throws: `ConfigurationError`, unless differences are allowed.
  func report(_ tool: Tool, allows: Bool) throws {
    if isLowRank && labels.count > 1 {
      tool.notice(
        "the factors A and B of the adapters are averaged by themselves, which is not the average of their products"
      )
    }
    var meanings: [String] = []
    for (number, comparison) in comparisons.enumerated() {
      let label = labels[number + 1]
      let serious = comparison.differences.filter { $0.effect == .behaviour }
      meanings += serious.map { text(of: $0, label) }
      let others = comparison.differences.filter { $0.effect == .possible && $0.isTold }
      if others.isEmpty { continue }
      let list = others.prefix(5).map(\.label).joined(separator: ", ")
      let more = others.count > 5 ? " and \(others.count - 5) more" : ""
      tool.notice("\(label) and \(labels[0]) differ in \(list)\(more)")
    }
    if meanings.isEmpty { return }
    guard allows else { throw ConfigurationError(differences: meanings) }
    tool.notices(meanings.count) { "the same tensors mean something else: \(meanings[$0])" }
  }

  private func text(of difference: PartDifference, _ label: String) -> String {
    guard let first = difference.first, let second = difference.second,
      first.count <= 60, second.count <= 60
    else { return "\(label): \(difference.label)" }
    return "\(label): \(difference.label) is \(second), in \(labels[0]) \(first)"
  }
}

extension PartDifference {
  /// Whether an average should tell of it: what training counts differs between checkpoints of every run.
  fileprivate var isTold: Bool {
    part.hasSuffix(".json") || part.hasSuffix(".py") || part.hasSuffix(".jinja")
      || part.hasSuffix("(text)")
  }
}

/// Inputs that fit together by names and shapes only.
struct ConfigurationError: DiagnosedError {
  /// How many differences are listed before the rest is only counted.
  private static let listedCount = 20

  let differences: [String]

  var kind: FailureKind { .badInput }

  var description: String {
    var lines = ["the same tensors mean something else in the inputs:"]
    lines += differences.prefix(ConfigurationError.listedCount).map { "  " + $0 }
    if differences.count > ConfigurationError.listedCount {
      lines.append("  … and \(differences.count - ConfigurationError.listedCount) more")
    }
    return lines.joined(separator: "\n")
  }

  var hint: String? {
    "an average of them is no model that either configuration describes; --allow-config-differences makes it all the same, "
      + "with the configuration of the first"
  }
}
