import JSONText

/// Something beside the tensors that two checkpoints have not in common.
public struct PartDifference: Sendable {
  /// How much it matters.
  public enum Effect: Sendable, Hashable {
    /// Where or when a model was made: it behaves the same.
    case none
    /// It may matter to a program that loads the model.
    case possible
    /// The same weights mean something else.
    case behaviour
  }

  /// The name of the part.
  public let part: String
  /// The dotted path in it; empty for all of it.
  public let key: String
  /// The values as text; nil where there is none.
  public let first, second: String?
  /// How much it matters.
  public let effect: Effect

  /// What differs, for messages: `config.json: 'rope_theta'`.
  public var label: String { key.isEmpty ? part : "\(part): '\(key)'" }
}

/// What two checkpoints hold beside their tensors, compared.
public struct PartComparison: Sendable {
  /// What differs, in the order of the first checkpoint.
  public private(set) var differences: [PartDifference] = []
  /// What could not be compared, with the reason.
  public private(set) var unread: [(name: String, reason: String)] = []

  /// As many differences of one part are told; a vocabulary has a hundred thousand words.
  private static let mostOfPart = 20

  /// Compares parts by their names.
  ///
  /// - Parameter onlyCommon: whether parts that one of them lacks are left out, because the formats differ.
  ///
  /// - Throws: `FileError` when a file beside the weights cannot be read.
  public init(_ first: [ModelPart], _ second: [ModelPart], onlyCommon: Bool = false) throws {
    let others = Dictionary(second.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let known = Set(first.map(\.name))
    for part in first {
      if let other = others[part.name] {
        try compare(part, other)
      } else if !onlyCommon {
        try add(part, missingIn: "second")
      }
    }
    if onlyCommon { return }
    for part in second where !known.contains(part.name) { try add(part, missingIn: "first") }
  }

  private mutating func add(_ part: ModelPart, missingIn place: String) throws {
    if case .file(let file) = part.content {
      return try add(
        ModelPart(name: part.name, content: try file.contents()), missingIn: place)
    }
    let text: String
    var effect = PartDifference.Effect.possible
    switch part.content {
    case .configuration(let value), .layers(let value): text = value.shortText
    case .vocabulary: (text, effect) = ("a vocabulary", .behaviour)
    case .text(let value): text = value
    case .unread, .file: text = "something"
    }
    differences.append(
      PartDifference(
        part: part.name, key: "", first: place == "first" ? nil : text,
        second: place == "second" ? nil : text,
        effect: ConfigurationKeys.isAboutMaking(part.name) ? .none : effect))
  }

  private mutating func compare(_ first: ModelPart, _ second: ModelPart) throws {
    switch (first.content, second.content) {
    case (.file(let one), .file(let other)):
      if try one.isSame(as: other) { return }
      try compare(
        ModelPart(name: first.name, content: try one.contents()),
        ModelPart(name: second.name, content: try other.contents()))
    case (.configuration(let one), .configuration(let other)):
      add(first.name, JSONDifferences(one, other, limit: PartComparison.mostOfPart)) { path in
        ConfigurationKeys.effect(of: path, in: first.name)
      }
    case (.layers(let one), .layers(let other)):
      let (one, other) = (KerasLayers.comparable(one), KerasLayers.comparable(other))
      add(first.name, JSONDifferences(one, other, limit: PartComparison.mostOfPart)) { path in
        KerasLayers.effect(of: path)
      }
    case (.vocabulary(let one), .vocabulary(let other)):
      addText(first.name, one, other, .behaviour)
    case (.text(let one), .text(let other)):
      addText(
        first.name, one, other,
        ConfigurationKeys.isAboutMaking(first.name)
          ? .none : ConfigurationKeys.isVocabulary(first.name) ? .behaviour : .possible)
    case (.unread(let reason), _), (_, .unread(let reason)): unread.append((first.name, reason))
    default: addText(first.name, "one kind", "another kind", .possible)
    }
  }

  private mutating func addText(
    _ name: String, _ first: String, _ second: String, _ effect: PartDifference.Effect
  ) {
    guard first != second else { return }
    differences.append(
      PartDifference(part: name, key: "", first: first, second: second, effect: effect))
  }

  private mutating func add(
    _ name: String, _ found: JSONDifferences, effect: ([String]) -> PartDifference.Effect
  ) {
    differences += found.differences.map { difference in
      PartDifference(
        part: name, key: difference.path.joined(separator: "."),
        first: difference.first?.shortText, second: difference.second?.shortText,
        effect: effect(difference.path))
    }
  }
}

/// Where two JSON values differ.
struct JSONDifferences {
  struct Difference {
    let path: [String]
    let first, second: JSONValue?
  }

  private(set) var differences: [Difference] = []
  private let limit: Int

  /// Lists whose order is that of a set in the memory of a program.
  private static let sets: Set<String> = ["target_modules", "modules_to_save", "exclude_modules"]

  init(_ first: JSONValue, _ second: JSONValue, limit: Int) {
    self.limit = limit
    compare(first, second, [])
  }

  private mutating func compare(_ first: JSONValue?, _ second: JSONValue?, _ path: [String]) {
    guard differences.count < limit else { return }
    switch (first, second) {
    case (.object(let one)?, .object(let other)?):
      let others = Dictionary(other.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
      for member in one { compare(member.value, others[member.key], path + [member.key]) }
      let known = Set(one.map(\.key))
      for member in other where !known.contains(member.key) {
        compare(nil, member.value, path + [member.key])
      }
    // A missing object says nothing of each of its keys.
    case (.object?, nil), (.object?, .null?): compare(first, .object([]), path)
    case (nil, .object?), (.null?, .object?): compare(.object([]), second, path)
    case (.array(let one)?, .array(let other)?):
      if let key = path.last, JSONDifferences.sets.contains(key),
        Set(one) == Set(other)
      {
        return
      }
      guard one.count == other.count else { return add(first, second, path) }
      for (position, pair) in zip(one, other).enumerated() {
        compare(pair.0, pair.1, path + [String(position)])
      }
    default:
      if !JSONDifferences.areSame(first, second) { add(first, second, path) }
    }
  }

  private mutating func add(_ first: JSONValue?, _ second: JSONValue?, _ path: [String]) {
    differences.append(Difference(path: path, first: first, second: second))
  }

  /// What is null is not there; 1 and 1.0 are one number.
  private static func areSame(_ first: JSONValue?, _ second: JSONValue?) -> Bool {
    let (first, second) = (first ?? .null, second ?? .null)
    if first == second { return true }
    guard let one = first.double, let other = second.double else { return false }
    return one == other
  }
}

extension JSONValue {
  /// The text, cut where it is long.
  var shortText: String {
    let text = text
    return text.count > 60 ? text.prefix(60) + "…" : text
  }
}
