public import TensorCore

/// A request about a checkpoint that cannot be fulfilled.
public struct InspectionError: DiagnosedError {
  /// What kind of failure this is.
  public let kind: FailureKind
  /// The sentence.
  public let description: String
  /// The way out.
  public let hint: String?

  init(_ kind: FailureKind = .usage, _ description: String, hint: String? = nil) {
    self.kind = kind
    self.description = description
    self.hint = hint
  }
}
