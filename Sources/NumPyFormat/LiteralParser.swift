/// What Python's literals in headers can be.
enum Literal: Sendable, Hashable {
  case text(String)
  case integer(Int)
  case boolean(Bool)
  case tuple([Literal])
  case list([Literal])
  case dictionary([Entry])

  /// A key and its value.
  struct Entry: Sendable, Hashable {
    let key: String
    let value: Literal
  }
}

/// Reads the one literal in a header; nothing is evaluated.
struct LiteralParser {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  private static let maximumDepth = 16

  /// Reads a literal with space around it.
  ///
  /// - Throws: `NumPyError`.
  static func parse(_ bytes: [UInt8]) throws(NumPyError) -> Literal {
    var parser = LiteralParser(bytes: bytes)
    let value = try parser.value()
    parser.skipSpace()
    guard parser.position == bytes.count else { throw .damaged("something follows its header") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func value() throws(NumPyError) -> Literal {
    depth += 1
    defer { depth -= 1 }
    guard depth <= LiteralParser.maximumDepth else { throw LiteralParser.malformed }
    skipSpace()
    switch next {
    case UInt8(ascii: "'")?, UInt8(ascii: "\"")?: return .text(try text())
    case UInt8(ascii: "(")?: return try tuple()
    case UInt8(ascii: "[")?: return .list(try items(until: UInt8(ascii: "]")).items)
    case UInt8(ascii: "{")?: return .dictionary(try entries())
    case let byte? where LiteralParser.isDigit(byte) || byte == UInt8(ascii: "-"):
      return .integer(try integer())
    default:
      for (word, value) in [("True", true), ("False", false)] where accept(word) {
        return .boolean(value)
      }
      throw LiteralParser.malformed
    }
  }

  private static let malformed = NumPyError.damaged("its header is no literal of Python")

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
  }

  private mutating func accept(_ word: String) -> Bool {
    guard bytes[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func expect(_ byte: UInt8) throws(NumPyError) {
    skipSpace()
    guard next == byte else { throw LiteralParser.malformed }
    position += 1
  }

  private mutating func text() throws(NumPyError) -> String {
    let quote = bytes[position]
    position += 1
    let start = position
    while let byte = next, byte != quote {
      // Names of fields may have escapes, but such arrays are not read.
      guard byte != UInt8(ascii: "\\"), byte >= 0x20 else { throw LiteralParser.malformed }
      position += 1
    }
    guard next == quote, let text = String(validating: bytes[start..<position], as: UTF8.self)
    else {
      throw LiteralParser.malformed
    }
    position += 1
    return text
  }

  private mutating func integer() throws(NumPyError) -> Int {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    while let byte = next, LiteralParser.isDigit(byte) { position += 1 }
    // Python 2 wrote long numbers with an L.
    guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
      throw .damaged("a number in its header is too large")
    }
    if next == UInt8(ascii: "L") { position += 1 }
    return value
  }

  private mutating func tuple() throws(NumPyError) -> Literal {
    let (items, hasComma) = try items(until: UInt8(ascii: ")"))
    // Brackets around one value without a comma are no tuple.
    guard items.count == 1, !hasComma else { return .tuple(items) }
    return items[0]
  }

  private mutating func items(until end: UInt8) throws(NumPyError) -> (
    items: [Literal], hasComma: Bool
  ) {
    position += 1
    var items: [Literal] = []
    var hasComma = false
    while true {
      skipSpace()
      if next == end { break }
      guard items.isEmpty || hasComma else { throw LiteralParser.malformed }
      items.append(try value())
      skipSpace()
      hasComma = next == UInt8(ascii: ",")
      if hasComma { position += 1 }
    }
    position += 1
    return (items, hasComma)
  }

  private mutating func entries() throws(NumPyError) -> [Literal.Entry] {
    position += 1
    var entries: [Literal.Entry] = []
    var hasComma = true
    while true {
      skipSpace()
      if next == UInt8(ascii: "}") { break }
      guard hasComma, case .text(let key) = try value() else { throw LiteralParser.malformed }
      try expect(UInt8(ascii: ":"))
      entries.append(Literal.Entry(key: key, value: try value()))
      skipSpace()
      hasComma = next == UInt8(ascii: ",")
      if hasComma { position += 1 }
    }
    position += 1
    return entries
  }
}
