/// A key that an object is expected to have.
public struct ExpectedKey: Sendable {
  /// The key.
  public let name: String
  /// The key as it is usually written, with its quotes and the colon.
  fileprivate let spelling: [UInt8]

  /// Expects a key.
  public init(_ name: String) {
    self.name = name
    spelling = Array((JSONValue.quoted(name) + ":").utf8)
  }
}

/// Reads JSON (RFC 8259) from bytes, token by token, without building a tree.
///
/// It is strict: the text is UTF-8 without a byte order mark, integers are exact, and nothing is allocated
/// from a number in the text.
public struct JSONScanner {
  /// How deep arrays and objects may be nested.
  public static let maximumDepth = 64

  /// Whether values may be NaN and Infinity, which Python writes and JSON does not have.
  public var acceptsPythonNumbers = false

  private let bytes: [UInt8]
  /// The next byte to be read.
  public private(set) var position = 0

  /// Starts at the first byte that is not white space.
  ///
  /// - Throws: `JSONError` when the text is not UTF-8.
  public init(_ bytes: [UInt8]) throws(JSONError) {
    self.bytes = bytes
    do {
      _ = try UTF8Span(validating: bytes.span)
    } catch {
      throw JSONError(position: error.byteOffsets.lowerBound, reason: "text that is not UTF-8")
    }
    skipWhitespace()
  }

  /// The next byte of a token; nil at the end.
  public var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// Goes on at `position`, behind tokens that the caller has read by itself.
  public mutating func skip(to position: Int) {
    precondition(position >= self.position && position <= bytes.count)
    self.position = position
  }

  /// An error at the current place.
  public func error(_ reason: String) -> JSONError {
    JSONError(position: position, reason: reason)
  }

  /// Checks that nothing follows.
  public func expectEnd() throws(JSONError) {
    guard position == bytes.count else { throw error("unexpected text after the JSON value") }
  }

  /// Reads one character of punctuation.
  public mutating func expect(_ character: Unicode.Scalar) throws(JSONError) {
    guard accept(character) else { throw error("expected '\(character)'") }
  }

  /// Reads one character of punctuation if it is next.
  public mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    skipWhitespace()
    return true
  }

  /// Reads the next key of an object and its colon; nil at the object's end.
  ///
  /// The object's opening brace must have been read; `isFirst` is true before its first key.
  public mutating func nextKey(_ isFirst: inout Bool) throws(JSONError) -> String? {
    if accept("}") {
      return nil
    }
    if !isFirst { try expect(",") }
    isFirst = false
    let key = try string()
    try expect(":")
    return key
  }

  /// Reads one of the keys that an object is expected to have, or another; nil at the object's end.
  ///
  /// The usual spelling of an expected key is compared byte by byte, without making a string.
  public mutating func nextKey(_ isFirst: inout Bool, among expected: [ExpectedKey])
    throws(JSONError) -> String?
  {
    let start = position
    if isFirst || accept(",") {
      for key in expected where accept(bytes: key.spelling) {
        isFirst = false
        skipWhitespace()
        return key.name
      }
      position = start
    }
    return try nextKey(&isFirst)
  }

  /// Reads these bytes if they are next.
  public mutating func accept(bytes expected: [UInt8]) -> Bool {
    guard bytes.count - position >= expected.count else { return false }
    var index = position
    for byte in expected {
      if bytes[index] != byte { return false }
      index += 1
    }
    position = index
    return true
  }

  /// Moves to the next element of an array; false at the array's end.
  ///
  /// The array's opening bracket must have been read; `isFirst` is true before its first element.
  public mutating func nextElement(_ isFirst: inout Bool) throws(JSONError) -> Bool {
    if accept("]") { return false }
    if !isFirst { try expect(",") }
    isFirst = false
    return true
  }

  /// Reads an integer that is not negative and fits in an `Int`, written as digits only.
  public mutating func naturalNumber() throws(JSONError) -> Int {
    let start = position
    var index = start
    var value = 0
    while index < bytes.count {
      let digit = bytes[index] &- UInt8(ascii: "0")
      guard digit <= 9 else { break }
      let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = tens.addingReportingOverflow(Int(digit))
      guard !tooLarge && !overflow else {
        throw JSONError(position: start, reason: "a number that is too large")
      }
      value = sum
      index += 1
    }
    position = index
    guard position > start else { throw error("expected a number without a sign") }
    if bytes[start] == UInt8(ascii: "0") && position > start + 1 {
      throw JSONError(position: start, reason: "a number that starts with 0")
    }
    if next == UInt8(ascii: ".") || next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      throw JSONError(position: start, reason: "expected a whole number")
    }
    skipWhitespace()
    return value
  }

  /// Reads a number as it is written.
  public mutating func numberText() throws(JSONError) -> String {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let first = next
    let whole = digits()
    guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else {
      throw JSONError(position: start, reason: "expected a value")
    }
    if next == UInt8(ascii: ".") {
      position += 1
      guard digits() > 0 else { throw error("expected a digit") }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      guard digits() > 0 else { throw error("expected a digit") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    skipWhitespace()
    return text
  }

  /// Reads a word such as `null` if it is next.
  public mutating func accept(word: StaticString) -> Bool {
    let text = Array(word.description.utf8)
    guard bytes[position...].starts(with: text) else { return false }
    position += text.count
    skipWhitespace()
    return true
  }

  /// Reads a string.
  public mutating func string() throws(JSONError) -> String {
    let opening = position
    guard next == UInt8(ascii: "\"") else { throw error("expected a string") }
    position += 1
    let start = position
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        position = index + 1
        skipWhitespace()
        return String(decoding: bytes[start..<index], as: UTF8.self)
      }
      if byte == UInt8(ascii: "\\") || byte < 0x20 {
        position = index
        guard byte >= 0x20 else { throw error("a control character in a string") }
        return try escapedString(from: start, opening: opening)
      }
      index += 1
    }
    throw JSONError(position: opening, reason: "unterminated string")
  }

  /// Continues a string at its first escape.
  private mutating func escapedString(from start: Int, opening: Int) throws(JSONError) -> String {
    var text = Array(bytes[start..<position])
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        skipWhitespace()
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        text.append(contentsOf: try escape())
      case 0..<0x20:
        position -= 1
        throw error("a control character in a string")
      default:
        text.append(byte)
      }
    }
    throw JSONError(position: opening, reason: "unterminated string")
  }

  private mutating func escape() throws(JSONError) -> [UInt8] {
    guard let byte = next else { throw error("unterminated escape") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return try unicodeEscape()
    default:
      position -= 1
      throw error("an unknown escape")
    }
  }

  private mutating func unicodeEscape() throws(JSONError) -> [UInt8] {
    let start = position
    var code = try hexadecimalDigits()
    if (0xD800..<0xDC00).contains(code), next == UInt8(ascii: "\\") {
      position += 1
      guard next == UInt8(ascii: "u") else { throw error("half of a surrogate pair") }
      position += 1
      let low = try hexadecimalDigits()
      guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw JSONError(position: start, reason: "half of a surrogate pair")
    }
    return Array(String(Character(scalar)).utf8)
  }

  private mutating func hexadecimalDigits() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue,
        byte < 0x80
      else { throw error("expected four hexadecimal digits") }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private mutating func digits() -> Int {
    let start = position
    while let digit = next, digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") { position += 1 }
    return position - start
  }

  /// Skips blanks, which all other functions do behind what they read.
  public mutating func skipWhitespace() {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else {
        return
      }
      position += 1
    }
  }
}
