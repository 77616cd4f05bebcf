public import TensorCore

/// A safetensors header that breaks a rule of the format.
public struct SafetensorsError: DiagnosedError, Hashable {
  /// The rules.
  public enum Code: Sendable, Hashable {
    case tooShort
    case headerTooLarge
    case notJSON
    case badTensor
    case badMetadata
    case duplicateTensor
    case dataDoesNotFit
  }

  /// The rule that was broken.
  public let code: Code
  /// The sentence, without the file.
  public let description: String
  /// The way out.
  public let hint: String?
  /// What kind of failure this is: always `badInput`.
  public var kind: FailureKind { .badInput }

  init(_ code: Code, _ description: String, hint: String? = nil) {
    self.code = code
    self.description = description
    self.hint = hint
  }

  static func badTensor(_ name: String, _ reason: String) -> SafetensorsError {
    SafetensorsError(.badTensor, "tensor '\(name)': \(reason)")
  }

  static let incompleteHint =
    "the file is incomplete or damaged: download or copy it again, and compare its size"
}
