/// A JSON value as a tree, with the order of keys and the text of numbers kept.
public indirect enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// A number as it is written.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// A key and its value.
  public struct Member: Sendable, Hashable {
    /// The key.
    public var key: String
    /// Its value.
    public var value: JSONValue

    /// Pairs a key with its value.
    public init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// Parses a whole text.
  ///
  /// - Throws: `JSONError`, also when an object has a key twice.
  ///
  /// - Parameter acceptsPythonNumbers: whether values may be NaN and Infinity.
  public init(parsing bytes: [UInt8], acceptsPythonNumbers: Bool = false) throws(JSONError) {
    var scanner = try JSONScanner(bytes)
    scanner.acceptsPythonNumbers = acceptsPythonNumbers
    self = try scanner.value()
    try scanner.expectEnd()
  }

  /// An exact whole number.
  public static func integer(_ value: Int) -> JSONValue { .number(String(value)) }

  /// A number; the shortest text that reads back as the same float64, null when it is not finite.
  public static func float(_ value: Double) -> JSONValue {
    guard value.isFinite else { return .null }
    let text = value.description
    return .number(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
  }

  /// The value of a key of an object.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The number as a float64.
  public var double: Double? {
    guard case .number(let text) = self else { return nil }
    return Double(text)
  }

  /// The number when it is whole and fits.
  public var integer: Int? {
    guard case .number(let text) = self else { return nil }
    return Int(text)
  }

  /// The text of a string.
  public var string: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// The text on one line.
  public var text: String { serialized(indentation: nil) }

  /// The text on many lines, each level indented by two spaces, with a newline at the end.
  public var indentedText: String { serialized(indentation: 0) + "\n" }

  private func serialized(indentation: Int?) -> String {
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text): return text
    case .string(let text): return JSONValue.quoted(text)
    case .array(let elements):
      return JSONValue.bracketed(
        elements.map { $0.serialized(indentation: indentation.map { $0 + 2 }) }, "[", "]",
        indentation)
    case .object(let members):
      let entries = members.map { member in
        JSONValue.quoted(member.key) + (indentation == nil ? ":" : ": ")
          + member.value.serialized(indentation: indentation.map { $0 + 2 })
      }
      return JSONValue.bracketed(entries, "{", "}", indentation)
    }
  }

  private static func bracketed(
    _ entries: [String], _ opening: String, _ closing: String, _ indentation: Int?
  ) -> String {
    guard let indentation, !entries.isEmpty else {
      return opening + entries.joined(separator: ",") + closing
    }
    let inner = String(repeating: " ", count: indentation + 2)
    return opening + "\n" + inner + entries.joined(separator: ",\n" + inner) + "\n"
      + String(repeating: " ", count: indentation) + closing
  }

  /// A string with its quotes and escapes.
  public static func quoted(_ text: String) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count + 2)
    appendQuoted(text, to: &result)
    return String(decoding: result, as: UTF8.self)
  }

  /// Appends a string with its quotes and escapes.
  public static func appendQuoted(_ text: String, to result: inout [UInt8]) {
    result.append(UInt8(ascii: "\""))
    defer { result.append(UInt8(ascii: "\"")) }
    let quote = UInt8(ascii: "\"")
    let backslash = UInt8(ascii: "\\")
    let bytes = text.utf8.span
    var isPlain = true
    for index in bytes.indices {
      let byte = bytes[index]
      if byte < 0x20 || byte == quote || byte == backslash { isPlain = false }
    }
    if isPlain {
      result.append(contentsOf: text.utf8)
      return
    }
    for byte in text.utf8 {
      switch byte {
      case quote, backslash:
        result.append(backslash)
        result.append(byte)
      case 0x0A: result.append(contentsOf: Array("\\n".utf8))
      case 0x0D: result.append(contentsOf: Array("\\r".utf8))
      case 0x09: result.append(contentsOf: Array("\\t".utf8))
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        result.append(contentsOf: Array("\\u00\(digits.utf8.count == 1 ? "0" : "")\(digits)".utf8))
      default: result.append(byte)
      }
    }
  }
}

extension JSONScanner {
  /// Reads any value and forgets it.
  ///
  /// Python writes NaN and Infinity, which are not JSON, into configurations and metrics; here they do no
  /// harm.
  ///
  /// - Throws: `JSONError`.
  public mutating func skipValue(depth: Int = 0) throws(JSONError) {
    guard depth <= JSONScanner.maximumDepth else { throw error("nesting that is too deep") }
    var isFirst = true
    switch next {
    case UInt8(ascii: "{"):
      try expect("{")
      while try nextKey(&isFirst) != nil { try skipValue(depth: depth + 1) }
    case UInt8(ascii: "["):
      try expect("[")
      while try nextElement(&isFirst) { try skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try string()
    default:
      for word: StaticString in ["null", "true", "false", "NaN", "Infinity", "-Infinity"]
      where accept(word: word) { return }
      _ = try numberText()
    }
  }

  /// Reads any value as a tree.
  ///
  /// - Throws: `JSONError`, also when an object has a key twice or the nesting is too deep.
  public mutating func value(depth: Int = 0) throws(JSONError) -> JSONValue {
    guard depth <= JSONScanner.maximumDepth else { throw error("nesting that is too deep") }
    var isFirst = true
    switch next {
    case UInt8(ascii: "{"):
      try expect("{")
      var members: [JSONValue.Member] = []
      // By bytes: strings would take two spellings of one character for the same key.
      var keys: Set<[UInt8]> = []
      while let key = try nextKey(&isFirst) {
        guard keys.insert(Array(key.utf8)).inserted else {
          throw error("the key '\(key)' for the second time")
        }
        members.append(JSONValue.Member(key, try value(depth: depth + 1)))
      }
      return .object(members)
    case UInt8(ascii: "["):
      try expect("[")
      var elements: [JSONValue] = []
      while try nextElement(&isFirst) { elements.append(try value(depth: depth + 1)) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try string())
    default:
      if accept(word: "null") { return .null }
      if accept(word: "true") { return .bool(true) }
      if accept(word: "false") { return .bool(false) }
      if acceptsPythonNumbers {
        for word: StaticString in ["NaN", "Infinity", "-Infinity"] where accept(word: word) {
          return .number(word.description)
        }
      }
      return .number(try numberText())
    }
  }
}
