public import TensorCore

/// A PyTorch file that cannot be used.
public struct PyTorchError: DiagnosedError, Hashable {
  /// The reasons.
  public enum Code: Sendable, Hashable {
    /// Numbers do not add up, or data are not what they should be.
    case damaged
    /// Loading the file would run code that it chooses.
    case executable
    /// Something that is not supported.
    case unsupported
    /// More than any checkpoint needs.
    case tooLarge
    /// No PyTorch file.
    case notPyTorch
    /// A key that is asked for is not there.
    case missingKey
  }

  /// The reason.
  public let code: Code
  /// The sentence, without the file.
  public let description: String
  /// The way out.
  public let hint: String?
  /// What kind of failure this is: `usage` for a missing key, `badInput` for all others.
  public var kind: FailureKind { code == .missingKey ? .usage : .badInput }

  init(_ code: Code, _ description: String, hint: String? = nil) {
    self.code = code
    self.description = description
    self.hint = hint
  }

  static func damaged(_ reason: String) -> PyTorchError {
    PyTorchError(
      .damaged, "damaged PyTorch file: \(reason)",
      hint: "the file is incomplete or damaged: download or copy it again, and compare its size")
  }

  static func unsupported(_ reason: String, hint: String? = nil) -> PyTorchError {
    PyTorchError(.unsupported, reason, hint: hint)
  }

  /// - Parameter caller: what the name is handed to, where it is not called itself.
  static func executable(_ name: String, through caller: String? = nil) -> PyTorchError {
    let how = caller.map { "hands '\(name)' to '\($0)'" } ?? "calls '\(name)'"
    return PyTorchError(
      .executable,
      "its pickle \(how), which can run code: the file is refused, and nothing of it was run",
      hint: "no checkpoint needs this: the file is malicious or not what it seems")
  }

  static func wholeObject(_ name: String) -> PyTorchError {
    .unsupported(
      "it holds an object of the class '\(name)', not a dictionary of tensors",
      hint: "in Python, load it where its code is, and save the weights: "
        + "torch.save(model.state_dict(), …)")
  }
}
