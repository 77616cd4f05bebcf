public import TensorCore

/// A ZIP archive that cannot be used.
public struct ZipError: DiagnosedError, Hashable {
  /// The reasons.
  public enum Code: Sendable, Hashable {
    /// There is no end record: something else, or cut off.
    case notZip
    /// Numbers do not add up, or data are not what they should be.
    case damaged
    /// Something that is not supported, or that different readers would understand differently.
    case refused
    /// More than the caller or this reader allows.
    case tooLarge
    /// A new archive cannot hold this.
    case unwritable
  }

  /// The reason.
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

  static func damaged(_ reason: String) -> ZipError {
    ZipError(
      .damaged, "damaged ZIP archive: \(reason)",
      hint: "the file is incomplete or damaged: download or copy it again, and compare its size")
  }

  static func damaged(_ member: ZipMember, _ reason: String) -> ZipError {
    damaged("member '\(member.name)': \(reason)")
  }

  static func refused(_ reason: String) -> ZipError {
    ZipError(
      .refused, "ZIP archive: \(reason)",
      hint: "unpack it with what made it, and pack it again without this")
  }
}
