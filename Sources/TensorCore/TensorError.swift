/// What kind of failure an error is: the seam between the libraries' errors and a tool's exit code.
public enum FailureKind: Sendable, Hashable {
  /// The request itself makes no sense.
  case usage
  /// An input is damaged, or inputs do not fit together.
  case badInput
  /// An input does not exist or may not be read.
  case missingInput
  /// The output cannot be created.
  case cannotCreate
  /// Reading or writing failed.
  case inputOutput
  /// The work was interrupted by this signal.
  case interrupted(signal: Int32)
}

/// An error that a person can act on.
///
/// `description` says which file and tensor, what was expected and what was found; `hint` says what to do.
public protocol DiagnosedError: Error, CustomStringConvertible {
  /// What kind of failure this is.
  var kind: FailureKind { get }
  /// The way out, when there is one.
  var hint: String? { get }
}

extension DiagnosedError {
  /// No way out is known.
  public var hint: String? { nil }
}

/// Why a tensor's description or values cannot be accepted.
public struct TensorError: DiagnosedError, Hashable {
  /// The reasons.
  public enum Code: Sendable, Hashable {
    case negativeExtent
    case rankTooLarge
    case tooManyElements
    case partialByte
    case duplicateName
    case wrongByteCount
    case notFloating
    case disagreement
  }

  /// The reason.
  public let code: Code
  /// The sentence, without the file and, where the caller knows it, without the tensor.
  public let description: String
  /// What kind of failure this is: always `badInput`.
  public var kind: FailureKind { .badInput }

  static func negativeExtent(_ dimensions: [Int]) -> TensorError {
    TensorError(code: .negativeExtent, description: "shape \(dimensions) has a negative extent")
  }

  static func rankTooLarge(_ rank: Int) -> TensorError {
    TensorError(
      code: .rankTooLarge,
      description: "\(rank) dimensions, but at most \(Shape.maximumRank) are supported")
  }

  static func tooManyElements(_ dimensions: [Int]) -> TensorError {
    TensorError(
      code: .tooManyElements,
      description: "shape \(dimensions) has more elements than can be counted")
  }

  static func partialByte(_ dimensions: [Int], _ dtype: DType) -> TensorError {
    TensorError(
      code: .partialByte,
      description: "shape \(dimensions) of \(dtype.rawValue) does not fill whole bytes")
  }

  static func duplicateName(_ name: String) -> TensorError {
    TensorError(code: .duplicateName, description: "tensor '\(name)' is described twice")
  }

  static func wrongByteCount(_ info: TensorInfo, found: Int) -> TensorError {
    TensorError(
      code: .wrongByteCount,
      description:
        "tensor '\(info.name)': expected \(info.byteCount) bytes for \(info.dtype.rawValue) "
        + "\(info.shape), found \(found)")
  }

  static func disagreement(_ info: TensorInfo) -> TensorError {
    TensorError(
      code: .disagreement,
      description:
        "tensor '\(info.name)' of \(info.dtype.rawValue) differs between the inputs, and "
        + "such values are not averaged")
  }

  static func notFloating(_ info: TensorInfo) -> TensorError {
    TensorError(
      code: .notFloating,
      description: "tensor '\(info.name)' of \(info.dtype.rawValue) has no real values")
  }
}
