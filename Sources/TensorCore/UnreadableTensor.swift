/// A tensor that a file holds intact, but in a way that this version does not read.
///
/// Its neighbours can be read: patterns of names that leave it out make the rest usable.
public struct UnreadableTensor: Sendable, Hashable {
  /// The name of the tensor.
  public let name: String
  /// What is not read, as the end of a sentence: `it is sparse (COO)`, `its filter is blosc (32001)`.
  public let reason: String
  /// What to do about it, as a command or call that works; nil when there is nothing.
  public let hint: String?

  /// Names a tensor and what stands in the way.
  package init(name: String, reason: String, hint: String? = nil) {
    self.name = name
    self.reason = reason
    self.hint = hint
  }
}
