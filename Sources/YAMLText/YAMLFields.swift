/// The keys of a mapping, read one by one; what is wrong is collected.
public struct YAMLFields {
  /// What the mapping is called in messages; empty for the whole text.
  public let name: String
  private let entries: [YAMLNode.Entry]
  private var known: [String] = []
  /// What is wrong so far.
  public var problems: [YAMLProblem] = []

  /// Reads a mapping; anything else is a problem.
  public init(_ node: YAMLNode, called name: String) {
    self.name = name
    if let entries = node.entries {
      self.entries = entries
    } else {
      entries = []
      let what = name.isEmpty ? "a plan" : "'\(name)'"
      problems.append(
        YAMLProblem(node.place, "\(what) must consist of keys and values, such as 'episodes: 20'"))
    }
  }

  /// The value of a key; nil when it is not there or empty.
  public mutating func node(_ key: String) -> YAMLNode? {
    known.append(key)
    guard let value = entries.first(where: { $0.key == key })?.value, !value.isNull else {
      return nil
    }
    return value
  }

  /// Reports a second one of keys that exclude each other.
  public mutating func allowOne(of first: String, _ second: String) {
    guard entries.contains(where: { $0.key == first }),
      let other = entries.first(where: { $0.key == second })
    else { return }
    problems.append(
      YAMLProblem(
        other.place, "'\(name)' has both '\(first)' and '\(second)': one of them is too much"))
    known += [first, second]
  }

  /// Reads a mapping that is the value of a key, all of whose keys are known then.
  public mutating func section(
    _ key: String, _ node: YAMLNode, _ body: (inout YAMLFields) -> Void
  ) {
    var inner = YAMLFields(node, called: full(key))
    body(&inner)
    inner.finish()
    problems += inner.problems
  }

  /// Reports keys that were not asked for.
  public mutating func finish() {
    for entry in entries where !known.contains(entry.key) {
      let suggestion = Suggestion.text(for: entry.key, among: known)
      problems.append(
        YAMLProblem(
          entry.place,
          "unknown key '\(full(entry.key))'"
            + (suggestion.isEmpty
              ? "; known keys are \(known.joined(separator: ", "))" : suggestion)
        ))
    }
  }

  /// The name of a key with what it lies in.
  public func full(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }

  /// Reports a value that is not what it must be.
  public mutating func expect(_ key: String, _ node: YAMLNode, _ what: String) {
    let found = node.text.map { ", not '\($0)'" } ?? ""
    problems.append(YAMLProblem(node.place, "'\(full(key))' must be \(what)\(found)"))
  }

  /// A whole number in a range.
  public mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let node = node(key) else { return nil }
    if let value = node.integer, range.contains(value) { return value }
    let limit =
      range.upperBound == Int.max
      ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    expect(key, node, "a whole number \(limit)")
    return nil
  }

  /// A truth value.
  public mutating func boolean(_ key: String) -> Bool? {
    guard let node = node(key) else { return nil }
    if let value = node.boolean { return value }
    expect(key, node, "true or false")
    return nil
  }

  /// A text that is not empty.
  public mutating func text(_ key: String) -> String? {
    guard let node = node(key) else { return nil }
    if let text = node.text, !text.isEmpty { return text }
    expect(key, node, "a text")
    return nil
  }

  /// One of a few words.
  public mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Choice.Type
  ) -> Choice? where Choice.RawValue == String {
    guard let node = node(key) else { return nil }
    if let choice = node.text.flatMap(Choice.init(rawValue:)) { return choice }
    let words = type.allCases.map(\.rawValue)
    let suggestion = node.text.map { Suggestion.text(for: $0, among: words) } ?? ""
    expect(key, node, words.joined(separator: " or "))
    if let last = problems.popLast() {
      problems.append(YAMLProblem(last.place, last.text + suggestion))
    }
    return nil
  }

  /// A time in seconds: `90`, `90s`, `10m`, `2h`, `1d`.
  public mutating func seconds(_ key: String, allowsZero: Bool = false) -> Double? {
    guard let node = node(key) else { return nil }
    if let text = node.text, let value = YAMLFields.seconds(text), value > 0 || allowsZero {
      return value
    }
    expect(key, node, "a time such as 90s, 10m, 2h or 1d")
    return nil
  }

  /// The seconds of a text such as `10m`; nil for one that is no time.
  static func seconds(_ text: String) -> Double? {
    let factors: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    guard let last = text.last else { return nil }
    let number = factors[last] == nil ? text : String(text.dropLast())
    guard let first = number.utf8.first, (0x30...0x39).contains(first),
      let value = Double(number), value.isFinite
    else { return nil }
    return value * (factors[last] ?? 1)
  }
}
