/// One thing that is wrong with a text in YAML, or may be.
public struct YAMLProblem: Sendable, Hashable {
  /// Where it is; nil when nothing in the text is at fault.
  public let place: YAMLNode.Place?
  /// What is wrong.
  public let text: String

  /// Describes a problem.
  public init(_ place: YAMLNode.Place?, _ text: String) {
    self.place = place
    self.text = text
  }
}
