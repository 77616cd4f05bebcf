public import TensorCore

/// The tensors that a policy's patterns choose.
public struct TensorSelection: Sendable {
  private let policy: AlignmentPolicy

  /// Checks the patterns against the names in the inputs.
  ///
  /// - Throws: `SelectionError` for a pattern that matches nothing.
  public init(_ policy: AlignmentPolicy, _ inputs: [WeightMap]) throws {
    self.policy = policy
    let options =
      policy.include.map { ($0, "--include") } + policy.exclude.map { ($0, "--exclude") }
    for (pattern, option) in options {
      let isMatched = inputs.contains { input in
        input.tensors.contains { pattern.matches($0.info.name) }
          || input.unreadable.contains { pattern.matches($0.name) }
      }
      if !isMatched { throw SelectionError.unmatched(pattern, option: option) }
    }
  }

  /// Whether a tensor of this name is chosen.
  public func includes(_ name: String) -> Bool {
    (policy.include.isEmpty || policy.include.contains { $0.matches(name) })
      && !policy.exclude.contains { $0.matches(name) }
  }

  /// Those tensors that are chosen.
  public func chosen(of unreadable: [UnreadableTensor]) -> [UnreadableTensor] {
    unreadable.filter { includes($0.name) }
  }

  /// What is chosen of an input, with its values as they are.
  ///
  /// - Throws: `SelectionError` when nothing is left.
  public func chosen(of input: WeightMap) throws -> WeightMap {
    if policy.include.isEmpty && policy.exclude.isEmpty { return input }
    var chosen = WeightMap(
      distinct: input.tensors.filter { includes($0.info.name) }, metadata: input.metadata)
    if input.isQuantized { chosen = chosen.quantized }
    chosen.unreadable = self.chosen(of: input.unreadable)
    guard chosen.count + chosen.unreadable.count > 0 || input.count == 0 else {
      throw SelectionError.nothingLeft
    }
    return chosen
  }

  /// Refuses tensors that are chosen and cannot be read.
  ///
  /// - Parameter labels: what to call the inputs in messages.
  /// - Throws: `UnreadableError`.
  public func checkReadable(_ inputs: [WeightMap], labels: [String]) throws {
    for (input, label) in zip(inputs, labels) {
      let found = chosen(of: input.unreadable)
      if found.isEmpty { continue }
      let others = inputs.flatMap { chosen(of: $0.unreadable) }
      throw UnreadableError(found, in: label, among: others, of: inputs)
    }
  }
}

/// Tensors that are asked for and that this version does not read.
public struct UnreadableError: DiagnosedError {
  /// How many names a hint lists.
  private static let listedCount = 8

  /// Always `badInput`.
  public var kind: FailureKind { .badInput }
  /// The sentence: the input, the first of the tensors, and the reason.
  public let description: String
  /// The patterns that leave all of them out, and what the reader says of the first.
  public let hint: String?

  init(
    _ found: [UnreadableTensor], in label: String, among all: [UnreadableTensor],
    of inputs: [WeightMap]
  ) {
    let more =
      found.count == 1
      ? "" : " (and \(found.count - 1) more \(found.count == 2 ? "tensor" : "tensors") of the kind)"
    description =
      "\(label): tensor '\(found[0].name)' cannot be read: \(found[0].reason)\(more)"
    let patterns = UnreadableError.patterns(for: all, in: inputs).map { "--exclude \(quoted($0))" }
    let exclusion = "\(patterns.joined(separator: " ")) works with the other tensors"
    let isOnlyKind = inputs.allSatisfy { $0.count == 0 }
    let ways = [isOnlyKind ? nil : exclusion, found[0].hint].compactMap { $0 }
    hint = ways.isEmpty ? nil : ways.joined(separator: "; ")
  }

  /// Patterns that match the given tensors and none that can be read.
  private static func patterns(for unreadable: [UnreadableTensor], in inputs: [WeightMap])
    -> [String]
  {
    var names: [String] = []
    for tensor in unreadable where !names.contains(tensor.name) { names.append(tensor.name) }
    if names.count <= 2 { return names.map(escaped) }
    var endings: [String] = []
    for name in names {
      let last = name.split { $0 == "." || $0 == "/" }.last.map(String.init) ?? name
      let ending = "*" + escaped(last)
      if !endings.contains(ending) { endings.append(ending) }
    }
    let globs = endings.map { Glob($0) }
    let isExact = !inputs.contains { input in
      input.tensors.contains { tensor in globs.contains { $0.matches(tensor.info.name) } }
    }
    return isExact && endings.count <= listedCount ? endings : names.map(escaped)
  }

  /// A pattern that matches the name alone.
  private static func escaped(_ name: String) -> String {
    String(name.flatMap { ["*", "?", "["].contains($0) ? Array("[\($0)]") : [$0] })
  }
}

/// A word as a shell takes it.
private func quoted(_ word: String) -> String {
  let isPlain = word.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "/"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
  return isPlain
    ? word
    : "'"
      + word.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
}
