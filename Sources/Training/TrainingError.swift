public import TensorCore

/// Training was ended by a signal; nothing was written.
public struct TrainingInterruption: DiagnosedError, Hashable {
  /// The signal.
  public let signal: Int32
  /// What kind of failure this is.
  public var kind: FailureKind { .interrupted(signal: signal) }
  /// The sentence.
  public var description: String { "interrupted" }

  /// Notes a signal.
  public init(signal: Int32) { self.signal = signal }
}

/// Data, a model or settings that cannot be trained with.
public struct TrainingError: DiagnosedError, Hashable {
  /// What kind of failure this is.
  public let kind: FailureKind
  /// The sentence.
  public let description: String
  /// The way out.
  public let hint: String?

  /// A request that makes no sense.
  static func usage(_ description: String, hint: String? = nil) -> TrainingError {
    TrainingError(.usage, description, hint: hint)
  }

  /// A file that is damaged or does not fit.
  static func badInput(_ description: String, hint: String? = nil) -> TrainingError {
    TrainingError(.badInput, description, hint: hint)
  }

  private init(_ kind: FailureKind, _ description: String, hint: String? = nil) {
    self.kind = kind
    self.description = description
    self.hint = hint
  }
}
