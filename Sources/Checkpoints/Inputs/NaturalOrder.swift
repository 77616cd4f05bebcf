/// Orders names as people do: runs of digits by their number.
struct NaturalOrder: Comparable {
  private enum Part: Equatable {
    case text([UInt8])
    case number([UInt8])
  }

  private let parts: [Part]
  private let name: String

  init(_ name: String) {
    self.name = name
    var parts: [Part] = []
    var bytes = Array(name.utf8)[...]
    while let first = bytes.first {
      let isNumber = NaturalOrder.isDigit(first)
      let part = bytes.prefix { NaturalOrder.isDigit($0) == isNumber }
      // Without leading zeros, more digits are a larger number: no number is too long.
      parts.append(isNumber ? .number(Array(part.drop { $0 == 0x30 })) : .text(Array(part)))
      bytes = bytes.dropFirst(part.count)
    }
    self.parts = parts
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  static func < (left: NaturalOrder, right: NaturalOrder) -> Bool {
    for (first, second) in zip(left.parts, right.parts) where first != second {
      switch (first, second) {
      case (.number(let first), .number(let second)):
        return first.count != second.count
          ? first.count < second.count : first.lexicographicallyPrecedes(second)
      case (.text(let first), .text(let second)): return first.lexicographicallyPrecedes(second)
      case (.number, .text): return true
      case (.text, .number): return false
      }
    }
    if left.parts.count != right.parts.count { return left.parts.count < right.parts.count }
    return left.name < right.name
  }
}
