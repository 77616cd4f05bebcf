public import SystemPackage
public import TensorCore

/// A checkpoint that cannot be used, with its path.
public struct CheckpointError: DiagnosedError {
  /// What kind of failure this is.
  public let kind: FailureKind
  /// The file or folder.
  public let path: FilePath
  /// What is wrong with it.
  public let reason: String
  /// The way out.
  public let hint: String?

  /// `model.safetensors: tensor 'a': …`.
  public var description: String { "\(path): \(reason)" }

  init(_ kind: FailureKind = .badInput, _ path: FilePath, _ reason: String, hint: String? = nil) {
    self.kind = kind
    self.path = path
    self.reason = reason
    self.hint = hint
  }

  /// Adds the path to an error of a format.
  init(_ path: FilePath, _ error: some DiagnosedError) {
    self.init(error.kind, path, error.description, hint: error.hint)
  }
}
