/// Text that is not YAML, or YAML that a plan does not need.
public struct YAMLError: Error, Hashable, CustomStringConvertible {
  /// Where it is.
  public let place: YAMLNode.Place
  /// What is wrong there.
  public let reason: String

  /// Names a place and what is wrong there.
  public init(place: YAMLNode.Place, reason: String) {
    self.place = place
    self.reason = reason
  }

  /// `3:7: did not find expected key`.
  public var description: String { "\(place): \(reason)" }
}
