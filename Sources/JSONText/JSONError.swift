/// Text that is not JSON, or not the JSON that is needed.
public struct JSONError: Error, Hashable, CustomStringConvertible {
  /// The byte, counted from the start of the text.
  public let position: Int
  /// What is wrong there.
  public let reason: String

  /// `unterminated string at byte 12`.
  public var description: String { "\(reason) at byte \(position)" }
}
