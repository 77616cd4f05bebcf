import YAMLText

/// The keys of a mapping in a plan, read one by one; what is wrong is collected.
struct PlanFields {
  /// What the mapping is called in messages; empty for the plan itself.
  let name: String
  private let entries: [YAMLNode.Entry]
  private var known: [String] = []
  /// What is wrong so far.
  var problems: [PlanProblem] = []

  /// Reads a mapping; anything else is a problem.
  init(_ node: YAMLNode, called name: String) {
    self.name = name
    if let entries = node.entries {
      self.entries = entries
    } else {
      entries = []
      let what = name.isEmpty ? "a plan" : "'\(name)'"
      problems.append(
        PlanProblem(node.place, "\(what) must consist of keys and values, such as 'episodes: 20'"))
    }
  }

  /// The value of a key; nil when it is not there or empty.
  mutating func node(_ key: String) -> YAMLNode? {
    known.append(key)
    guard let value = entries.first(where: { $0.key == key })?.value, !value.isNull else {
      return nil
    }
    return value
  }

  /// Reports a second one of keys that exclude each other.
  mutating func allowOne(of first: String, _ second: String) {
    guard entries.contains(where: { $0.key == first }),
      let other = entries.first(where: { $0.key == second })
    else { return }
    problems.append(
      PlanProblem(
        other.place, "'\(name)' has both '\(first)' and '\(second)': one of them is too much"))
    known += [first, second]
  }

  /// Reports keys that were not asked for.
  mutating func finish() {
    for entry in entries where !known.contains(entry.key) {
      let suggestion = Suggestion.text(for: entry.key, among: known)
      problems.append(
        PlanProblem(
          entry.place,
          "unknown key '\(full(entry.key))'"
            + (suggestion.isEmpty
              ? "; known keys are \(known.joined(separator: ", "))" : suggestion)
        ))
    }
  }

  /// The name of a key with what it lies in.
  func full(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }

  mutating func expect(_ key: String, _ node: YAMLNode, _ what: String) {
    let found = node.text.map { ", not '\($0)'" } ?? ""
    problems.append(PlanProblem(node.place, "'\(full(key))' must be \(what)\(found)"))
  }

  mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let node = node(key) else { return nil }
    if let value = node.integer, range.contains(value) { return value }
    let limit =
      range.upperBound == Int.max
      ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
    expect(key, node, "a whole number \(limit)")
    return nil
  }

  mutating func boolean(_ key: String) -> Bool? {
    guard let node = node(key) else { return nil }
    if let value = node.boolean { return value }
    expect(key, node, "true or false")
    return nil
  }

  mutating func text(_ key: String) -> String? {
    guard let node = node(key) else { return nil }
    if let text = node.text, !text.isEmpty { return text }
    expect(key, node, "a text")
    return nil
  }

  /// One of a few words.
  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Choice.Type
  ) -> Choice? where Choice.RawValue == String {
    guard let node = node(key) else { return nil }
    if let choice = node.text.flatMap(Choice.init(rawValue:)) { return choice }
    let words = type.allCases.map(\.rawValue)
    let suggestion = node.text.map { Suggestion.text(for: $0, among: words) } ?? ""
    expect(key, node, words.joined(separator: " or "))
    if let last = problems.popLast() {
      problems.append(PlanProblem(last.place, last.text + suggestion))
    }
    return nil
  }

  /// A time in seconds: `90`, `90s`, `10m`, `2h`, `1d`.
  mutating func seconds(_ key: String, allowsZero: Bool = false) -> Double? {
    guard let node = node(key) else { return nil }
    if let text = node.text, let value = PlanFields.seconds(text), value > 0 || allowsZero {
      return value
    }
    expect(key, node, "a time such as 90s, 10m, 2h or 1d")
    return nil
  }

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
