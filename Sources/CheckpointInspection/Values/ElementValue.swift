public import JSONText
import TensorCore

/// One value of a tensor, as it is told to people.
public struct ElementValue: Sendable, Hashable {
  /// The shortest text that reads back as the same value; of codes, their bits in hexadecimal digits.
  public let text: String
  /// The value for other programs; what is not finite, complex, or a code is a string.
  public let json: JSONValue

  private init(_ text: String, isNumber: Bool) {
    self.text = text
    json = isNumber ? .number(text) : .string(text)
  }

  /// The values that little-endian bytes hold.
  ///
  /// - Throws: `TensorError`.
  static func values(_ bytes: [UInt8], dtype: DType) throws -> [ElementValue] {
    switch dtype.kind {
    case .floating:
      return try numbers(bytes, dtype: dtype).map {
        ElementValue($0, isNumber: $0.last != "n" && $0.last != "f")
      }
    case .complex:
      let parts = try numbers(bytes, dtype: dtype == .complex64 ? .float32 : .float64)
      return stride(from: 0, to: parts.count, by: 2).map { index in
        let imaginary = parts[index + 1]
        let sign = imaginary.hasPrefix("-") ? "" : "+"
        return ElementValue("\(parts[index])\(sign)\(imaginary)j", isNumber: false)
      }
    case .boolean:
      return bytes.map { ElementValue(boolean: $0) }
    case .integer:
      return patterns(bytes, dtype.elementUnit).map {
        ElementValue(integer($0, dtype), isNumber: true)
      }
    case .packed:
      return bytes.map {
        ElementValue("0x" + ($0 < 16 ? "0" : "") + String($0, radix: 16), isNumber: false)
      }
    }
  }

  private init(boolean byte: UInt8) {
    // Files may hold others than 0 and 1, which are told as they are.
    text = byte == 0 ? "false" : byte == 1 ? "true" : String(byte)
    json = byte < 2 ? .bool(byte == 1) : .number(text)
  }

  private static func patterns(_ bytes: [UInt8], _ width: Int) -> [UInt64] {
    stride(from: 0, to: bytes.count, by: width).map { start in
      (0..<width).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
    }
  }

  private static func integer(_ pattern: UInt64, _ dtype: DType) -> String {
    switch dtype {
    case .int8: Int8(truncatingIfNeeded: pattern).description
    case .int16: Int16(truncatingIfNeeded: pattern).description
    case .int32: Int32(truncatingIfNeeded: pattern).description
    case .int64: Int64(truncatingIfNeeded: pattern).description
    default: pattern.description
    }
  }

  private static func numbers(_ bytes: [UInt8], dtype: DType) throws -> [String] {
    if dtype == .float64 {
      return patterns(bytes, 8).map { Double(bitPattern: $0).description }
    }
    if dtype == .float32 {
      return patterns(bytes, 4).map { Float(bitPattern: UInt32($0)).description }
    }
    let tensor = try Tensor(
      name: "", shape: Shape([bytes.count / dtype.elementUnit]), encoding: ElementEncoding(dtype),
      bytes: bytes)
    // Every value of a narrow type is a float32.
    return try tensor.values().map { Float($0).description }
  }
}

extension TensorSlice {
  /// Values in nested brackets, a line for each innermost row.
  public static func text(_ values: [ElementValue], shape: [Int]) -> String {
    guard let width = shape.last else { return values.map(\.text).joined() }
    if values.isEmpty { return "[] (shape \(shape))" }
    let rows = stride(from: 0, to: values.count, by: width).map { start in
      "[" + values[start..<start + width].map(\.text).joined(separator: ", ") + "]"
    }
    let depth = shape.count - 1
    return rows.enumerated().map { index, row in
      // How many axes begin anew at this row.
      var opened = 0
      var rest = index
      for extent in shape.dropLast().reversed() {
        guard rest % extent == 0 else { break }
        rest /= extent
        opened += 1
      }
      var closed = 0
      rest = index + 1
      for extent in shape.dropLast().reversed() {
        guard rest % extent == 0 else { break }
        rest /= extent
        closed += 1
      }
      let end = index + 1 == rows.count ? "" : ","
      return String(repeating: " ", count: depth - opened) + String(repeating: "[", count: opened)
        + row + String(repeating: "]", count: closed) + end
    }.joined(separator: "\n")
  }

  /// Values in nested arrays.
  public static func json(_ values: [ElementValue], shape: [Int]) -> JSONValue {
    var level = values.map(\.json)
    for extent in shape.dropFirst().reversed() where extent > 0 {
      level = stride(from: 0, to: level.count, by: extent).map {
        .array(Array(level[$0..<$0 + extent]))
      }
    }
    return shape.isEmpty ? level.first ?? .null : .array(level)
  }
}
