public import TensorCore

/// A compressed stream that cannot be read.
public struct CompressionError: DiagnosedError, Hashable {
  /// The reasons.
  public enum Code: Sendable, Hashable {
    /// The stream is not one, is cut off, or its own checksum is wrong.
    case damaged
    /// The stream holds more than it should.
    case tooLarge
  }

  /// The reason.
  public let code: Code
  /// The sentence, without the place.
  public let description: String
  /// What kind of failure this is: always `badInput`.
  public var kind: FailureKind { .badInput }

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  static func tooLarge(_ maximum: Int) -> CompressionError {
    CompressionError(.tooLarge, "the compressed data hold more than the \(maximum) bytes declared")
  }
}
