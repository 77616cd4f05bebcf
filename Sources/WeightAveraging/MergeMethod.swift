public import TensorCore

/// A way to make one model of several.
public protocol MergeMethod: Sendable {
  /// The name in options and provenance, that of the field where there is one.
  static var name: String { get }

  /// What the method has for an input, for provenance: its weight; nil when all count the same.
  func parameter(ofInput number: Int) -> (name: String, value: Double)?

  /// How the inputs with these numbers, counted from 0 and ascending, are combined.
  ///
  /// - Throws: `MergeError` when they cannot be.
  func recurrence(inputs: [Int]) throws(MergeError) -> LinearRecurrence
}

/// The merge methods that are known.
public enum MergeMethods {
  /// All of them.
  public static let all: [any MergeMethod.Type] = [
    LinearAverage.self, ExponentialMovingAverage.self,
  ]
}

/// Parameters of a merge method that make no sense.
public struct MergeError: DiagnosedError, Hashable {
  /// The reasons.
  public enum Code: Sendable, Hashable {
    case noInputs
    case weightCount
    case weightNotFinite
    case weightsSumToZero
    case decayOutOfRange
    case stalls
  }

  /// The reason.
  public let code: Code
  /// The sentence.
  public let description: String
  /// The way out.
  public let hint: String?
  /// Always `usage`.
  public var kind: FailureKind { .usage }

  init(_ code: Code, _ description: String, hint: String? = nil) {
    self.code = code
    self.description = description
    self.hint = hint
  }
}
