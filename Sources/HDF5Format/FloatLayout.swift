public import TensorCore

/// Floating-point numbers in other bits than a dtype has, each of which is a value of float64: numbers of 24 bits, or
/// with another bias.
///
/// Built like IEEE 754's: a sign, an exponent whose largest value means infinity and NaN, and a mantissa without
/// its leading bit. (HDF5 File Format Specification 3.0, IV.A.2.d, class 1.)
public struct FloatLayout: Sendable, Hashable {
  /// The bytes of a number, at most eight.
  public let size: Int
  /// Their order.
  public let byteOrder: ElementEncoding.ByteOrder

  private let signPosition: Int
  private let exponentPosition: Int
  private let exponentBits: Int
  private let mantissaPosition: Int
  private let mantissaBits: Int
  private let bias: Int

  /// Describes numbers; nil when float64 does not have all of their values, or when fields overlap.
  init?(
    size: Int, byteOrder: ElementEncoding.ByteOrder, sign: Int, exponent: Range<Int>,
    mantissa: Range<Int>, bias: Int
  ) {
    guard (1...8).contains(size), (2...11).contains(exponent.count),
      (1...52).contains(mantissa.count),
      (0...2000).contains(bias)
    else { return nil }
    self.size = size
    self.byteOrder = byteOrder
    (signPosition, self.bias) = (sign, bias)
    (exponentPosition, exponentBits) = (exponent.lowerBound, exponent.count)
    (mantissaPosition, mantissaBits) = (mantissa.lowerBound, mantissa.count)
    let isInside = max(sign + 1, exponent.upperBound, mantissa.upperBound) <= 8 * size
    let isApart =
      !exponent.overlaps(mantissa) && !exponent.contains(sign) && !mantissa.contains(sign)
    // The largest and the smallest positive numbers, as powers of two.
    let largest = (1 << exponent.count) - 2 - bias
    let smallest = 1 - bias - mantissa.count
    guard isInside, isApart, largest <= 1023, smallest >= -1074 else { return nil }
  }

  private var largestExponent: UInt64 { (1 << UInt64(exponentBits)) - 1 }

  /// The value of a number.
  func value(of bits: UInt64) -> Double {
    let exponent = Int(bits >> UInt64(exponentPosition) & largestExponent)
    let mantissa = bits >> UInt64(mantissaPosition) & ((1 << UInt64(mantissaBits)) - 1)
    let isNegative = bits >> UInt64(signPosition) & 1 != 0
    let magnitude: Double
    if exponent == Int(largestExponent) {
      magnitude = mantissa == 0 ? .infinity : .nan
    } else {
      let whole = exponent == 0 ? mantissa : mantissa | 1 << UInt64(mantissaBits)
      magnitude = Double(
        sign: .plus, exponent: max(exponent, 1) - bias - mantissaBits, significand: Double(whole))
    }
    return isNegative ? -magnitude : magnitude
  }

  /// The number that is nearest to a value; of two, the one whose last bit is zero.
  func bits(of value: Double) -> UInt64 {
    var joined: UInt64
    if value.isNaN {
      joined = largestExponent << UInt64(mantissaBits) | 1 << UInt64(mantissaBits - 1)
    } else if value.isInfinite {
      joined = largestExponent << UInt64(mantissaBits)
    } else {
      // In units of the last bit the value is exact, and its whole part holds the mantissa with the leading bit. Added
      // to the exponent's field, a carry makes the next exponent, and behind the last one infinity.
      let exponent = value == 0 ? 1 - bias : max(Int(value.exponent), 1 - bias)
      let units = Double(
        sign: .plus, exponent: mantissaBits - exponent, significand: value.magnitude)
      joined =
        exponent + bias > Int(largestExponent)
        ? largestExponent << UInt64(mantissaBits)
        : UInt64(exponent + bias - 1) << UInt64(mantissaBits)
          + UInt64(units.rounded(.toNearestOrEven))
      joined = min(joined, largestExponent << UInt64(mantissaBits))
    }
    let isNegative = value.sign == .minus && !value.isNaN
    let mantissa = joined & ((1 << UInt64(mantissaBits)) - 1)
    return (isNegative ? 1 << UInt64(signPosition) : 0)
      | (joined >> UInt64(mantissaBits)) << UInt64(exponentPosition)
      | mantissa << UInt64(mantissaPosition)
  }

  /// The float64 of stored numbers, little-endian.
  public func decoded(_ stored: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(stored.count / size * 8)
    for start in stride(from: 0, to: stored.count, by: size) {
      let element = stored[start..<start + size]
      var bits: UInt64 = 0
      if byteOrder == .littleEndian {
        for byte in element.reversed() { bits = bits << 8 | UInt64(byte) }
      } else {
        for byte in element { bits = bits << 8 | UInt64(byte) }
      }
      bytes.append(littleEndian: value(of: bits).bitPattern, count: 8)
    }
    return bytes
  }

  /// Numbers as they are stored, of little-endian float64.
  public func encoded(_ values: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count / 8 * size)
    for start in stride(from: 0, to: values.count, by: 8) {
      var pattern: UInt64 = 0
      for byte in values[start..<start + 8].reversed() { pattern = pattern << 8 | UInt64(byte) }
      let bits = bits(of: Double(bitPattern: pattern))
      bytes.append(littleEndian: byteOrder == .littleEndian ? bits : reversed(bits), count: size)
    }
    return bytes
  }

  /// The same bits with the bytes of a number in the other order.
  private func reversed(_ bits: UInt64) -> UInt64 { bits.byteSwapped >> UInt64(64 - 8 * size) }
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian bits: UInt64, count: Int) {
    for index in 0..<count { append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * index))) }
  }
}

/// Stored numbers of another source as float64.
///
/// Reads must start and end between elements.
public final class DecodedFloats: ByteSource {
  private let stored: any ByteSource
  private let start: Int
  private let layout: FloatLayout

  /// What to call it in messages: the other source's name.
  public var label: String { stored.label }

  /// The numbers of a source from byte `start` on.
  public init(_ stored: any ByteSource, from start: Int = 0, layout: FloatLayout) {
    self.stored = stored
    self.start = start
    self.layout = layout
  }

  /// Reads and decodes.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    let elements = offset / 8..<(offset + count) / 8
    let bytes = ByteBuffer(count: elements.count * layout.size)
    try stored.read(
      at: start + elements.lowerBound * layout.size, count: bytes.count, into: bytes, at: 0)
    let values = layout.decoded(bytes.bytes(in: 0..<bytes.count))
    buffer.copy(from: values, range: 0..<count, to: position)
  }

  /// Checks the other source.
  public func checkUnchanged() throws { try stored.checkUnchanged() }
}

/// The float64 values of a tensor, each rounded to a number of a layout.
public final class RoundedFloats: ByteSource {
  private let values: Tensor
  private let layout: FloatLayout

  /// What to call it in messages.
  public var label: String { "tensor '\(values.info.name)'" }

  /// Rounds the values of a tensor of float64.
  public init(_ values: Tensor, layout: FloatLayout) {
    self.values = values
    self.layout = layout
  }

  /// Reads and rounds.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    try values.read(bytes: offset..<offset + count, into: buffer, at: position)
    let rounded = layout.decoded(layout.encoded(buffer.bytes(in: position..<position + count)))
    buffer.copy(from: rounded, range: 0..<count, to: position)
  }
}
