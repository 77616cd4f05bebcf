import FileIO
import JSONText
import SystemPackage
import YAMLText

/// What an evaluation printed.
struct MetricOutput {
  /// The value of the plan's metric; nil when it is NaN or infinite.
  let value: Double?
  /// All finite numbers; those in objects and lists have dots in their names: `recall.3`.
  let all: [String: Double]

  /// Why there is no metric.
  struct Problem: Error {
    let text: String
  }

  /// Reads one JSON object for each file that was measured: all of the output, its last objects, or a list.
  ///
  /// - Parameter count: how many files were measured by one process.
  static func read(_ path: FilePath, metric: String, count: Int = 1)
    -> Result<[MetricOutput], Problem>
  {
    let bytes = SmallFile.tail(path, count: 1 << 20)
    let objects = objects(in: bytes, count: count)
    guard objects.count == count else {
      return .failure(
        count == 1
          ? noObject(bytes, metric)
          : Problem(
            text:
              "the evaluation of \(count) files must print as many JSON objects, a line each and "
              + "in their order; it printed \(objects.count)"))
    }
    var outputs: [MetricOutput] = []
    for object in objects {
      switch read(object, metric) {
      case .success(let output): outputs.append(output)
      case .failure(let problem): return .failure(problem)
      }
    }
    return .success(outputs)
  }

  /// The last objects of an output, in its order.
  private static func objects(in bytes: [UInt8], count: Int) -> [JSONValue] {
    if let json = try? JSONValue(parsing: bytes, acceptsPythonNumbers: true) {
      if count == 1, case .object = json { return [json] }
      if case .array(let elements) = json { return elements }
    }
    var objects: [JSONValue] = []
    for piece in PrintedObjects.pieces(of: bytes).reversed() where objects.count < count {
      if let object = PrintedObjects.last(in: piece) { objects.append(object) }
    }
    return objects.reversed()
  }

  private static func read(_ object: JSONValue, _ metric: String) -> Result<
    MetricOutput, Problem
  > {
    var numbers: [String: Double] = [:]
    collect(object, "", into: &numbers)
    let all = numbers.filter(\.value.isFinite)
    guard let value = numbers[metric] else {
      let known = all.keys.sorted().prefix(20).joined(separator: ", ")
      let suggestion = Suggestion.text(for: metric, among: all.keys.sorted())
      return .failure(
        Problem(
          text: "the evaluation printed no number '\(metric)'"
            + (known.isEmpty ? "" : "; it printed \(known)\(suggestion)")))
    }
    return .success(MetricOutput(value: value.isFinite ? value : nil, all: all))
  }

  private static func noObject(_ bytes: [UInt8], _ metric: String) -> Problem {
    let line = PrintedObjects.pieces(of: bytes).last { piece in
      piece.contains { !" \t".utf8.contains($0) }
    }
    let last = line.map { String(decoding: $0.prefix(200), as: UTF8.self) }
    return Problem(
      text: "the evaluation printed no JSON object, such as {\"\(metric)\": 0.93}"
        + (last.map { ", but '\($0)'\(problem(with: $0))" } ?? ": it printed nothing"))
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
    guard all.count < 4000 else { return }
    if let number = json.double { all[name] = number }
    // What writers of strict JSON have for NaN.
    if json == .null { all[name] = .nan }
    let members: [(key: String, value: JSONValue)]
    switch json {
    case .object(let entries): members = entries.map { ($0.key, $0.value) }
    // A list of lists, such as a confusion matrix, would have as many numbers as classes squared.
    case .array(let elements) where elements.allSatisfy({ $0.double != nil || $0 == .null }):
      members = elements.enumerated().map { (String($0.offset), $0.element) }
    default: return
    }
    for member in members {
      collect(member.value, name.isEmpty ? member.key : "\(name).\(member.key)", into: &all)
    }
  }
}
