/// A path that is ordered with numbers in it by their size: `vars/2` comes before `vars/10`.
package struct NumericPath: Comparable {
  private let bytes: [UInt8]

  package init(_ path: String) { bytes = Array(path.utf8) }

  package static func < (first: NumericPath, second: NumericPath) -> Bool {
    let (left, right) = (first.bytes, second.bytes)
    // Most paths have much in common, up to within a number.
    var i = 0
    while i < left.count, i < right.count, left[i] == right[i] { i += 1 }
    while i > 0, isDigit(left[i - 1]) { i -= 1 }
    var j = i
    while i < left.count, j < right.count {
      if isDigit(left[i]), isDigit(right[j]) {
        let (a, b) = (significantDigits(of: left, from: i), significantDigits(of: right, from: j))
        if a.count != b.count { return a.count < b.count }
        for (x, y) in zip(a, b) where left[x] != right[y] { return left[x] < right[y] }
        (i, j) = (a.upperBound, b.upperBound)
      } else {
        // A slash ends a component: what lies in a group comes before what lies beside it.
        let (a, b) = (left[i] == slash ? 0 : left[i], right[j] == slash ? 0 : right[j])
        if a != b { return a < b }
        (i, j) = (i + 1, j + 1)
      }
    }
    if (i < left.count) != (j < right.count) { return j < right.count }
    return left.lexicographicallyPrecedes(right)
  }

  private static let slash = UInt8(ascii: "/")

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  /// Where the digits of a number are that starts at `start`, without zeros before them.
  private static func significantDigits(of bytes: [UInt8], from start: Int) -> Range<Int> {
    var lower = start
    while lower < bytes.count, bytes[lower] == 0x30 { lower += 1 }
    var upper = lower
    while upper < bytes.count, isDigit(bytes[upper]) { upper += 1 }
    return lower..<upper
  }
}
