import FileIO
import JSONText
public import SystemPackage
import TensorCore

/// Chooses the best checkpoints by a metric from a JSON file beside each, or from their names.
public struct MetricSelection: Sendable {
  /// Which values are better.
  public enum Mode: String, Sendable, CaseIterable {
    case min
    case max
  }

  /// A checkpoint and its metric.
  public struct Scored: Sendable {
    /// The checkpoint.
    public let path: FilePath
    /// The value of its metric.
    public let value: Double
  }

  /// The name of the metric, where a path with dots leads into nested objects; or `name:` and an expression whose group
  /// is the value in the names of checkpoints.
  public let metric: String
  /// Which values are better.
  public let mode: Mode

  /// What finds the value in names; nil where files tell it.
  private let expression: RegularExpression?
  private static let namePrefix = "name:"

  /// Selects by a metric.
  ///
  /// - Throws: `SelectionError` for what is no regular expression.
  public init(metric: String, mode: Mode) throws {
    self.metric = metric
    self.mode = mode
    let pattern =
      metric.hasPrefix(MetricSelection.namePrefix)
      ? metric.dropFirst(MetricSelection.namePrefix.count) : nil
    expression = try pattern.map { try RegularExpression(String($0), ignoresCase: false) }
  }

  /// The best `count` checkpoints, the best first; of equal ones the earlier. NaN and infinity are the worst.
  ///
  /// - Throws: `CheckpointError` when a checkpoint has no such file or metric.
  public func best(_ count: Int, of paths: [FilePath]) throws -> [Scored] {
    let scored = try paths.enumerated().map { ($0, Scored(path: $1, value: try value(for: $1))) }
    let sorted = scored.sorted { first, second in
      // A run that diverged is the worst, whatever is looked for.
      if first.1.value.isFinite != second.1.value.isFinite { return first.1.value.isFinite }
      if first.1.value == second.1.value { return first.0 < second.0 }
      return mode == .max ? first.1.value > second.1.value : first.1.value < second.1.value
    }
    return sorted.prefix(count).map(\.1)
  }

  private func value(for path: FilePath) throws -> Double {
    let name = path.lastComponent?.string ?? ""
    if let expression { return try value(in: name, by: expression, path) }
    let candidates = metricFiles(of: path)
    guard let found = candidates.first(where: { FileStatus(of: $0)?.kind == .file }) else {
      if let value = value(markedIn: name) { return value }
      throw CheckpointError(
        .missingInput, path, "there is no file with its metrics",
        hint: hint(for: name, lookedFor: candidates))
    }
    let file = try ReadableFile(found)
    guard file.size <= 4 << 20 else {
      throw CheckpointError(.badInput, found, "\(file.size) bytes are too many for metrics")
    }
    let root: JSONValue
    do {
      root = try JSONValue(
        parsing: try file.bytes(in: 0..<file.size), acceptsPythonNumbers: true)
    } catch let error as JSONError {
      throw CheckpointError(.badInput, found, "it is not JSON: \(error)")
    }
    guard let value = lookUp(in: root)?.double else {
      throw CheckpointError(
        .badInput, found, "it has no number '\(metric)'", hint: hint(listing: root))
    }
    return value
  }

  /// What the expression's first group is in a name, or all of the match when it has none.
  private func value(in name: String, by expression: RegularExpression, _ path: FilePath) throws
    -> Double
  {
    let bytes = Array(name.utf8)
    let match = expression.firstMatch(in: bytes, from: 0)
    let range = match.flatMap { expression.groupCount > 0 ? $0[1] : $0[0] }
    guard let range, let value = Double(String(decoding: bytes[range], as: UTF8.self)) else {
      let pattern = metric.dropFirst(MetricSelection.namePrefix.count)
      throw CheckpointError(
        .usage, path, "'\(pattern)' finds no number in its name",
        hint: "parentheses stand around the number, as in --metric '\(MetricSelection.endOfName)'")
    }
    return value
  }

  /// Finds a number with a point where a name ends, before its suffix.
  private static let endOfName = "name:([0-9]+[.][0-9]+)[.][a-z0-9]+$"

  /// The value in a name that tells it as Lightning does: `epoch=3-val_loss=0.21.ckpt`.
  private func value(markedIn name: String) -> Double? {
    guard
      let expression = try? RegularExpression(
        "(^|[^A-Za-z0-9_])"
          + metric.map { $0.isLetter || $0.isNumber ? "\($0)" : "[\($0)]" }.joined()
          + "=(-?[0-9]+([.][0-9]+)?(e[-+]?[0-9]+)?)", ignoresCase: false),
      let range = expression.firstMatch(in: Array(name.utf8), from: 0)?[2]
    else { return nil }
    return Double(String(decoding: Array(name.utf8)[range], as: UTF8.self))
  }

  private func hint(for name: String, lookedFor candidates: [FilePath]) -> String {
    let file = candidates.first.map { "'\($0)'" } ?? "a JSON file"
    let written = "write {\"\(metric)\": 0.25} into \(file)"
    guard
      let expression = try? RegularExpression(
        String(MetricSelection.endOfName.dropFirst(MetricSelection.namePrefix.count)),
        ignoresCase: false), expression.firstMatch(in: Array(name.utf8), from: 0) != nil
    else { return written }
    return written + "; or take it from the names: --metric '\(MetricSelection.endOfName)'"
  }

  /// `run/step-5.safetensors` → `run/step-5.json`, …; a folder → files in it.
  private func metricFiles(of path: FilePath) -> [FilePath] {
    if FileStatus(of: path)?.kind == .folder {
      return ["metrics.json", "eval_results.json", "all_results.json"].map { path.appending($0) }
    }
    let name = path.lastComponent?.string ?? ""
    let suffix = CheckpointFormats.all.flatMap { $0.suffixes }.first { name.hasSuffix($0) } ?? ""
    let stem = String(name.dropLast(suffix.count))
    return ["\(stem).json", "\(name).json", "\(stem).metrics.json"].map {
      path.folder.appending($0)
    }
  }

  private func lookUp(in root: JSONValue) -> JSONValue? {
    if let value = root[metric] { return value }
    return metric.split(separator: ".").reduce(Optional(root)) { $0?[String($1)] }
  }

  private func hint(listing root: JSONValue) -> String? {
    guard case .object(let members) = root else { return nil }
    let names = members.filter { $0.value.double != nil }.map(\.key)
    return names.isEmpty ? nil : "it has " + names.prefix(12).joined(separator: ", ")
  }
}
