/// Numbers for people: as many digits as are asked for.
package enum NumberText {
  /// A number with so many significant digits: `10.2549`, `1.5e-09`, `nan`.
  package static func text(_ value: Double, significantDigits count: Int = 6) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    if value == 0 { return "0" }
    let (digits, exponent) = rounded(value.magnitude, to: count)
    let sign = value < 0 ? "-" : ""
    var text = String(decoding: digits, as: UTF8.self)
    if exponent >= -4 && exponent < max(count, 6) {
      if exponent < 0 {
        text = "0." + String(repeating: "0", count: -exponent - 1) + text
      } else if exponent + 1 >= digits.count {
        text += String(repeating: "0", count: exponent + 1 - digits.count)
      } else {
        let point = text.index(text.startIndex, offsetBy: exponent + 1)
        text.insert(".", at: point)
      }
      return sign + text
    }
    if text.count > 1 { text.insert(".", at: text.index(after: text.startIndex)) }
    let power = String(abs(exponent))
    return sign + text + (exponent < 0 ? "e-" : "e+") + (power.count < 2 ? "0" : "") + power
  }

  /// A whole number with commas between groups of three digits.
  package static func grouped(_ count: Int) -> String {
    var magnitude = count.magnitude
    if magnitude < 1000 { return String(count) }
    var groups: [String] = []
    while magnitude >= 1000 {
      let group = String(magnitude % 1000)
      groups.append(String(repeating: "0", count: 3 - group.utf8.count) + group)
      magnitude /= 1000
    }
    return (count < 0 ? "-" : "") + String(magnitude) + ","
      + groups.reversed().joined(separator: ",")
  }

  /// The first digits of the shortest text of a positive number, rounded, and the power of ten of the first.
  private static func rounded(_ value: Double, to count: Int) -> (digits: [UInt8], exponent: Int) {
    let zero = UInt8(ascii: "0")
    let parts = value.description.split(separator: "e")
    let point = parts[0].firstIndex(of: ".") ?? parts[0].endIndex
    var exponent = parts[0].distance(from: parts[0].startIndex, to: point) - 1
    if parts.count > 1 { exponent += Int(parts[1]) ?? 0 }
    var digits = parts[0].utf8.filter { $0 != UInt8(ascii: ".") }
    while digits.first == zero {
      digits.removeFirst()
      exponent -= 1
    }
    if digits.count > count {
      let isUp = digits[count] >= UInt8(ascii: "5")
      digits.removeSubrange(count...)
      if isUp {
        var index = count - 1
        while index >= 0, digits[index] == UInt8(ascii: "9") { index -= 1 }
        if index >= 0 {
          digits[index] += 1
          digits.replaceSubrange(
            (index + 1)..., with: repeatElement(zero, count: count - index - 1))
        } else {
          digits = [UInt8(ascii: "1")]
          exponent += 1
        }
      }
    }
    while digits.count > 1, digits.last == zero { digits.removeLast() }
    return (digits, exponent)
  }
}
