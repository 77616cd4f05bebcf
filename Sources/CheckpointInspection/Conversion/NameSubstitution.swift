import Checkpoints
import TensorCore

/// A change of names as `sed -E` writes it: `s/model\.(.*)/\1/`, with the flags `g` and `i`.
public struct NameSubstitution: Sendable {
  /// A piece of what is put in the place of a match.
  private enum Piece: Sendable {
    case text([UInt8])
    /// A group of the match; 0 for all of it.
    case group(Int)
  }

  /// The text that it was made of.
  public let text: String

  private let expression: RegularExpression
  private let replacement: [Piece]
  private let isRepeated: Bool

  /// Reads a substitution. Any character but a backslash may stand in the place of the slashes.
  ///
  /// - Throws: `InspectionError` when the text is none.
  public init(_ text: String) throws {
    self.text = text
    let malformed = InspectionError(
      .usage, "'\(text)' is no substitution",
      hint: "write 's/PATTERN/REPLACEMENT/', with the flags g (all matches) and i (any case)")
    let bytes = Array(text.utf8)
    guard bytes.count > 3, bytes[0] == UInt8(ascii: "s"), bytes[1] != UInt8(ascii: "\\"),
      bytes[1] < 0x80
    else { throw malformed }
    let separator = bytes[1]
    var parts: [[UInt8]] = [[]]
    var index = 2
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count {
        // An escaped separator stands for itself.
        if bytes[index + 1] != separator { parts[parts.count - 1].append(bytes[index]) }
        parts[parts.count - 1].append(bytes[index + 1])
        index += 2
        continue
      }
      if bytes[index] == separator {
        parts.append([])
      } else {
        parts[parts.count - 1].append(bytes[index])
      }
      index += 1
    }
    let flags = Set("gi".utf8)
    guard parts.count == 3, !parts[0].isEmpty, !parts[0].contains(0),
      parts[2].allSatisfy({ flags.contains($0) })
    else { throw malformed }
    isRepeated = parts[2].contains(UInt8(ascii: "g"))
    do {
      expression = try RegularExpression(
        String(decoding: parts[0], as: UTF8.self),
        ignoresCase: parts[2].contains(UInt8(ascii: "i")))
    } catch let error as SelectionError {
      throw InspectionError(error.kind, error.description, hint: error.hint)
    }
    replacement = NameSubstitution.pieces(parts[1])
    try checkGroups()
  }

  /// A reference to nothing would stand for nothing, and take a part of every name away.
  private func checkGroups() throws {
    for case .group(let number) in replacement where number > expression.groupCount {
      let count = expression.groupCount
      throw InspectionError(
        .usage,
        "'\(text)' refers to \\\(number), but its pattern has "
          + (count == 0 ? "no group" : count == 1 ? "one group" : "\(count) groups"),
        hint: "a group stands in parentheses: 's/^(.*)\\.weight$/\\1.w/'")
    }
  }

  private static func pieces(_ bytes: [UInt8]) -> [Piece] {
    var pieces: [Piece] = []
    var text: [UInt8] = []
    var index = 0
    func finish() {
      if !text.isEmpty { pieces.append(.text(text)) }
      text = []
    }
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "&") {
        finish()
        pieces.append(.group(0))
      } else if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count {
        index += 1
        if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) {
          finish()
          pieces.append(.group(Int(bytes[index] - UInt8(ascii: "0"))))
        } else {
          text.append(bytes[index])
        }
      } else {
        text.append(bytes[index])
      }
      index += 1
    }
    finish()
    return pieces
  }

  /// The name that another becomes; the same where nothing matches.
  public func applied(to name: String) -> String {
    let bytes = Array(name.utf8)
    var result: [UInt8] = []
    var position = 0
    var next = 0
    while next <= bytes.count, let match = expression.firstMatch(in: bytes, from: next),
      let whole = match[0]
    {
      // A match of nothing right behind another is none, as in sed.
      if whole.isEmpty, whole.lowerBound == position, position > 0 {
        next += 1
        continue
      }
      result += bytes[position..<whole.lowerBound]
      for piece in replacement {
        switch piece {
        case .text(let text): result += text
        case .group(let number): if let range = match[number] { result += bytes[range] }
        }
      }
      position = whole.upperBound
      // A match of nothing must not be found again.
      next = whole.isEmpty ? whole.upperBound + 1 : whole.upperBound
      if !isRepeated { break }
    }
    return String(decoding: result + bytes[position...], as: UTF8.self)
  }
}
