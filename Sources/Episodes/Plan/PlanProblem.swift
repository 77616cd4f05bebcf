import FileIO
public import SystemPackage
public import TensorCore
public import YAMLText

/// One thing that is wrong with a plan.
public struct PlanProblem: Sendable, Hashable {
  /// Where it is; nil when nothing in the text is at fault.
  public let place: YAMLNode.Place?
  /// What is wrong.
  public let text: String

  /// Describes a problem.
  public init(_ place: YAMLNode.Place?, _ text: String) {
    self.place = place
    self.text = text
  }

  /// `plan.yaml:3:7: …`, as messages say it.
  public func text(in path: FilePath) -> String {
    if place == .commandLine { return "--set: \(text)" }
    return "\(path)\(place.map { ":\($0)" } ?? ""): \(text)"
  }
}

/// A plan that cannot be used: all that is wrong with it.
public struct PlanError: DiagnosedError {
  /// The plan.
  public let path: FilePath
  /// The problems, in the order of the text.
  public let problems: [PlanProblem]
  /// Always `badInput`.
  public var kind: FailureKind { .badInput }
  /// The way out.
  public var hint: String? {
    "'man imwa-plan' tells all keys; 'imwa-run init' writes a plan to start from"
  }

  /// `plan.yaml:3:7: …`, one line for each problem.
  public var description: String {
    problems.map { $0.text(in: path) }.joined(separator: "\n  ")
  }
}

/// Finds the word that was meant.
enum Suggestion {
  /// The nearest of the known words; nil when none is near.
  static func nearest(to word: String, among known: [String]) -> String? {
    let limit = max(1, word.count / 3)
    let ranked = known.map { (distance: distance(word, $0), word: $0) }
      .filter { $0.distance <= limit }
    return ranked.min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
  }

  /// `; did you mean 'episodes'?`, or nothing.
  static func text(for word: String, among known: [String]) -> String {
    nearest(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
  }

  /// The number of letters to add, leave out, change, or exchange with the next one.
  static func distance(_ first: String, _ second: String) -> Int {
    let (left, right) = (Array(first.lowercased()), Array(second.lowercased()))
    var rows = [Array(0...right.count)]
    for (row, letter) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var best = min(current[column] + 1, rows[row][column + 1] + 1)
        best = min(best, rows[row][column] + (letter == other ? 0 : 1))
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          best = min(best, rows[row - 1][column - 1] + 1)
        }
        current.append(best)
      }
      rows.append(current)
    }
    return rows[left.count][right.count]
  }
}
