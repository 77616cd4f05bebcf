/// A YAML value as a tree, with the place of every node.
public struct YAMLNode: Sendable, Hashable {
  /// Where a node starts, counted from 1.
  public struct Place: Sendable, Hashable, CustomStringConvertible {
    /// The line.
    public let line: Int
    /// The column, in characters of Unicode.
    public let column: Int

    /// Names a place.
    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }

    /// Where the text is not of the file but of a command line.
    public static let commandLine = Place(line: 0, column: 0)

    /// `3:7`.
    public var description: String { "\(line):\(column)" }
  }

  /// What a node holds.
  public indirect enum Content: Sendable, Hashable {
    /// A text; whether it is written without quotes, so that it may mean a number or a truth value.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    /// Keys in the order of the text.
    case mapping([Entry])
  }

  /// A key and its value.
  public struct Entry: Sendable, Hashable {
    /// The key.
    public var key: String
    /// Where the key is.
    public let place: Place
    /// The value.
    public var value: YAMLNode

    /// Pairs a key with its value.
    public init(key: String, place: Place, value: YAMLNode) {
      self.key = key
      self.place = place
      self.value = value
    }
  }

  /// What it holds.
  public var content: Content
  /// Where it starts.
  public let place: Place

  /// Puts a node together.
  public init(_ content: Content, at place: Place) {
    self.content = content
    self.place = place
  }

  /// The same value, all of it at another place.
  public func moved(to place: Place) -> YAMLNode {
    switch content {
    case .scalar: YAMLNode(content, at: place)
    case .sequence(let elements):
      YAMLNode(.sequence(elements.map { $0.moved(to: place) }), at: place)
    case .mapping(let entries):
      YAMLNode(
        .mapping(
          entries.map { Entry(key: $0.key, place: place, value: $0.value.moved(to: place)) }),
        at: place)
    }
  }

  /// The text of a scalar.
  public var text: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  /// The text of a scalar without quotes.
  public var plainText: String? {
    if case .scalar(let text, isPlain: true) = content { text } else { nil }
  }

  /// Whether the value is left out, or `null` or `~`.
  public var isNull: Bool {
    plainText.map { ["", "~", "null", "Null", "NULL"].contains($0) } ?? false
  }

  /// The elements of a sequence.
  public var elements: [YAMLNode]? {
    if case .sequence(let elements) = content { elements } else { nil }
  }

  /// The entries of a mapping.
  public var entries: [Entry]? {
    if case .mapping(let entries) = content { entries } else { nil }
  }

  /// The value of a key of a mapping.
  public subscript(key: String) -> YAMLNode? {
    entries?.first { $0.key == key }?.value
  }

  /// A whole number, as YAML 1.2 writes it; underscores may part the digits.
  public var integer: Int? {
    guard let plainText else { return nil }
    return Int(plainText.split(separator: "_", omittingEmptySubsequences: false).joined())
  }

  /// A finite number.
  public var number: Double? {
    guard let plainText, plainText.utf8.allSatisfy({ Self.numeric.contains($0) }) else {
      return nil
    }
    return Double(plainText)
  }

  /// A truth value; `yes`, `no`, `on` and `off` are taken, too.
  public var boolean: Bool? {
    switch plainText?.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default: nil
    }
  }

  private static let numeric = Set("0123456789+-.eE".utf8)
}
