import FileIO
import JSONText
public import SystemPackage
import TensorCore

/// Chooses the best checkpoints by a metric from a JSON file beside each.
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

  /// The name of the metric; a path with dots leads into nested objects.
  public let metric: String
  /// Which values are better.
  public let mode: Mode

  /// Selects by a metric.
  public init(metric: String, mode: Mode) {
    self.metric = metric
    self.mode = mode
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
    let candidates = metricFiles(of: path)
    guard let found = candidates.first(where: { FileStatus(of: $0)?.kind == .file }) else {
      throw CheckpointError(
        .missingInput, path, "there is no file with its metrics",
        hint: "looked for " + candidates.map { "'\($0)'" }.joined(separator: ", "))
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
