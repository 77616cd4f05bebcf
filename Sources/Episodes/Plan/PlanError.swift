import FileIO
public import SystemPackage
public import TensorCore
public import YAMLText

extension YAMLProblem {
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
  public let problems: [YAMLProblem]
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
