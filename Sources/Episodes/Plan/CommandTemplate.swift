import YAMLText

/// A command as a plan writes it: words with placeholders such as `{init}`, and lists of words that go when a
/// placeholder in them has no value.
///
/// `{{` stands for a brace, and so does `}}`.
public struct CommandTemplate: Sendable, Hashable {
  /// A part of a word.
  enum Piece: Sendable, Hashable {
    case text(String)
    case placeholder(String)
  }

  /// A word, and where it is.
  struct Word: Sendable, Hashable {
    let pieces: [Piece]
    let place: YAMLNode.Place

    /// The word with values for its placeholders; nil when one has none.
    func expanded(_ values: [String: String]) -> String? {
      var result = ""
      for piece in pieces {
        switch piece {
        case .text(let text): result += text
        case .placeholder(let name):
          guard let value = values[name] else { return nil }
          result += value
        }
      }
      return result
    }

    var placeholders: [String] {
      pieces.compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
    }
  }

  /// One word, or words that stay or go together.
  enum Element: Sendable, Hashable {
    case word(Word)
    case group([Word])
  }

  let elements: [Element]

  /// The words with values for the placeholders; groups that lack one are left out.
  ///
  /// - Parameter lists: placeholders that become several words where they stand alone.
  public func expanded(_ values: [String: String], lists: [String: [String]] = [:]) -> [String] {
    func words(_ word: Word) -> [String]? {
      if case .placeholder(let name)? = word.pieces.first, word.pieces.count == 1,
        let list = lists[name]
      {
        return list
      }
      return word.expanded(values).map { [$0] }
    }
    return elements.flatMap { element -> [String] in
      switch element {
      case .word(let word): return words(word) ?? [""]
      case .group(let group):
        let expanded = group.map(words)
        return expanded.contains(nil) ? [] : expanded.flatMap { $0 ?? [] }
      }
    }
  }

  /// The placeholders in it.
  public var placeholders: Set<String> {
    Set(
      elements.flatMap { element in
        switch element {
        case .word(let word): word.placeholders
        case .group(let words): words.flatMap(\.placeholders)
        }
      })
  }

  /// The program that it starts, when no placeholder is in its name.
  public var program: String? {
    guard case .word(let word) = elements.first, case .text(let text)? = word.pieces.first,
      word.pieces.count == 1
    else { return nil }
    return text
  }

  /// Reads a list of words and lists of words.
  ///
  /// - Parameters:
  ///   - names: the placeholders that a value is known for.
  ///   - optional: those that have none at times, which must stand in a list of their own.
  init(
    _ node: YAMLNode, called key: String, names: [String], optional: Set<String>,
    problems: inout [YAMLProblem]
  ) {
    var reader = TemplateReader(key: key, names: names, optional: optional)
    elements = reader.elements(node)
    problems += reader.problems
  }

  /// Reads the arguments of the built-in trainer.
  ///
  /// - Parameter words: what stands before them.
  init(
    builtIn node: YAMLNode, called key: String, words: [String], names: [String],
    optional: Set<String>, problems: inout [YAMLProblem]
  ) {
    let before = words.map { YAMLNode(.scalar($0, isPlain: false), at: node.place) }
    guard let arguments = node.elements else {
      problems.append(
        YAMLProblem(
          node.place, "'\(key)' must be a list of options of imwa-train, such as [--data, digits]"))
      self.init(elements: [])
      return
    }
    self.init(
      YAMLNode(.sequence(before + arguments), at: node.place), called: key, names: names,
      optional: optional, problems: &problems)
  }

  /// Words that are known.
  init(words: [String], at place: YAMLNode.Place) {
    elements = words.map { .word(Word(pieces: [.text($0)], place: place)) }
  }

  private init(elements: [Element]) { self.elements = elements }
}

/// Reads templates and collects what is wrong.
private struct TemplateReader {
  let key: String
  let names: [String]
  let optional: Set<String>
  var problems: [YAMLProblem] = []

  init(key: String, names: [String], optional: Set<String>) {
    self.key = key
    self.names = names
    self.optional = optional
  }

  mutating func elements(_ node: YAMLNode) -> [CommandTemplate.Element] {
    guard let nodes = node.elements, !nodes.isEmpty else {
      problems.append(
        YAMLProblem(
          node.place,
          "'\(key)' must be a list of the program and its arguments, such as [python3, train.py]; "
            + "no shell reads it"))
      return []
    }
    return nodes.enumerated().compactMap { index, node in
      if let nodes = node.elements {
        if index == 0 {
          problems.append(YAMLProblem(node.place, "the program of '\(key)' cannot be left out"))
        }
        return .group(nodes.compactMap { word($0, inGroup: true) })
      }
      return word(node, inGroup: false).map { .word($0) }
    }
  }

  private mutating func word(_ node: YAMLNode, inGroup: Bool) -> CommandTemplate.Word? {
    guard let text = node.text else {
      problems.append(YAMLProblem(node.place, "an argument of '\(key)' must be a text or a number"))
      return nil
    }
    if text.utf8.contains(0) {
      problems.append(YAMLProblem(node.place, "an argument cannot hold a zero byte"))
    }
    let word = CommandTemplate.Word(pieces: pieces(text, node.place), place: node.place)
    for name in word.placeholders where !inGroup && optional.contains(name) {
      problems.append(
        YAMLProblem(
          node.place,
          "'{\(name)}' has no value at times: put it, with the option before it, into a list of its own, "
            + "which is left out then: [--option, \"{\(name)}\"]"))
    }
    return word
  }

  private mutating func pieces(_ text: String, _ place: YAMLNode.Place) -> [CommandTemplate.Piece] {
    var pieces: [CommandTemplate.Piece] = []
    var plain = ""
    var rest = Substring(text)
    while let character = rest.popFirst() {
      if (character == "{" || character == "}") && rest.first == character {
        rest.removeFirst()
        plain.append(character)
      } else if character == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          problems.append(YAMLProblem(place, "'{' is not closed; '{{' stands for a brace"))
          return []
        }
        let name = String(rest[..<end])
        rest = rest[rest.index(after: end)...]
        check(name, place)
        if !plain.isEmpty { pieces.append(.text(plain)) }
        plain = ""
        pieces.append(.placeholder(name))
      } else {
        plain.append(character)
      }
    }
    if !plain.isEmpty || pieces.isEmpty { pieces.append(.text(plain)) }
    return pieces
  }

  private mutating func check(_ name: String, _ place: YAMLNode.Place) {
    if names.contains(name) || optional.contains(name) { return }
    let suggestion = Suggestion.text(for: name, among: names + optional.sorted())
    problems.append(
      YAMLProblem(
        place,
        "'\(key)' has no placeholder '{\(name)}'"
          + (suggestion.isEmpty
            ? "; it has " + (names + optional.sorted()).map { "{\($0)}" }.joined(separator: " ")
            : suggestion)))
  }
}
