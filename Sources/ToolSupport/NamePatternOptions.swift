package import ArgumentParser
package import Checkpoints

/// Which tensors are meant, by patterns of their names.
package struct NamePatternOptions: ParsableArguments {
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Only tensors whose name matches this pattern. Can be given several times.",
      valueName: "pattern"))
  package var include: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "No tensors whose name matches this pattern. Can be given several times.",
      valueName: "pattern"))
  package var exclude: [String] = []

  /// Needed by the parser.
  package init() {}

  /// Whether any pattern is given.
  package var areGiven: Bool { !include.isEmpty || !exclude.isEmpty }
  /// Patterns of which a name must match one; empty for all names.
  package var included: [Glob] { include.map { Glob($0) } }
  /// Patterns of which a name may match none.
  package var excluded: [Glob] { exclude.map { Glob($0) } }
  /// A policy that chooses tensors and does nothing else.
  package var policy: AlignmentPolicy {
    var policy = AlignmentPolicy()
    policy.purpose = .choosing
    policy.include = included
    policy.exclude = excluded
    return policy
  }
}
