import FileIO
import JSONText
import SystemPackage

/// What an evaluation printed.
struct MetricOutput {
  /// The value of the plan's metric.
  let value: Double
  /// All finite numbers, nested ones with dots in their names.
  let all: [String: Double]

  /// Why there is no metric.
  struct Problem: Error {
    let text: String
  }

  /// Reads a JSON object: all of the output, or its last line.
  static func read(_ path: FilePath, metric: String) -> Result<MetricOutput, Problem> {
    let bytes = SmallFile.tail(path, count: 1 << 20)
    let lines = bytes.split(separator: UInt8(ascii: "\n")).filter { line in
      line.contains { !" \t\r".utf8.contains($0) }
    }
    let candidates = [bytes] + (lines.last.map { [Array($0)] } ?? [])
    let object = candidates.lazy.compactMap { text -> JSONValue? in
      guard let json = try? JSONValue(parsing: text, acceptsPythonNumbers: true),
        case .object = json
      else { return nil }
      return json
    }.first
    guard let object else {
      let last = lines.last.map { String(decoding: $0.prefix(200), as: UTF8.self) }
      return .failure(
        Problem(
          text: "the evaluation printed no JSON object, such as {\"\(metric)\": 0.93}"
            + (last.map { ", but '\($0)'\(problem(with: $0))" } ?? ": it printed nothing")))
    }
    var all: [String: Double] = [:]
    collect(object, "", into: &all)
    guard let value = all[metric] else {
      let isNumber = object[metric] != nil
      let known = all.keys.sorted().prefix(20).joined(separator: ", ")
      return .failure(
        Problem(
          text: isNumber
            ? "the evaluation's '\(metric)' is no finite number"
            : "the evaluation printed no number '\(metric)'"
              + (known.isEmpty ? "" : "; it printed \(known)")))
    }
    return .success(MetricOutput(value: value, all: all))
  }

  /// Why a line that looks like an object is none.
  private static func problem(with line: String) -> String {
    guard line.contains("{") else { return "" }
    do {
      _ = try JSONValue(parsing: Array(line.utf8), acceptsPythonNumbers: true)
      return ""
    } catch {
      return ": \(error)"
    }
  }

  private static func collect(_ json: JSONValue, _ name: String, into all: inout [String: Double]) {
    if let number = json.double, number.isFinite { all[name] = number }
    guard case .object(let members) = json, all.count < 1000 else { return }
    for member in members {
      collect(member.value, name.isEmpty ? member.key : "\(name).\(member.key)", into: &all)
    }
  }
}
