import TensorCore

/// A floating point format as a table of all its values: decodes by definition and rounds by comparing with
/// exact midpoints, without any of the toolkit's arithmetic.
public struct ExactFormat: Sendable {
  /// The dtype.
  public let dtype: DType
  /// The number of bytes of a value.
  public let width: Int
  /// The values of all patterns; NaN and infinities among them.
  public let values: [Double]

  /// The finite patterns with the sign bit clear, in ascending order of value.
  private let positive: [(value: Double, pattern: Int)]
  private let exponentBits: Int
  private let mantissaBits: Int

  /// IEEE half precision.
  public static let float16 = ExactFormat(.float16, exponentBits: 5, mantissaBits: 10)
  /// The upper half of single precision.
  public static let bfloat16 = ExactFormat(.bfloat16, exponentBits: 8, mantissaBits: 7)
  /// Eight bits, no infinities.
  public static let float8E4M3 = ExactFormat(.float8E4M3, exponentBits: 4, mantissaBits: 3)
  /// Eight bits like IEEE.
  public static let float8E5M2 = ExactFormat(.float8E5M2, exponentBits: 5, mantissaBits: 2)
  /// The formats.
  public static let all = [float16, bfloat16, float8E4M3, float8E5M2]

  private init(_ dtype: DType, exponentBits: Int, mantissaBits: Int) {
    self.dtype = dtype
    self.exponentBits = exponentBits
    self.mantissaBits = mantissaBits
    width = (1 + exponentBits + mantissaBits) / 8
    let hasInfinity = dtype != .float8E4M3
    let bias = (1 << (exponentBits - 1)) - 1
    values = (0..<1 << (8 * width)).map { pattern in
      let mantissa = pattern & ((1 << mantissaBits) - 1)
      let exponent = (pattern >> mantissaBits) & ((1 << exponentBits) - 1)
      let sign = pattern >> (exponentBits + mantissaBits) == 0 ? 1.0 : -1.0
      let isTop = exponent == (1 << exponentBits) - 1
      if isTop && hasInfinity { return mantissa == 0 ? sign * .infinity : .nan }
      if isTop && mantissa == (1 << mantissaBits) - 1 { return .nan }
      let fraction = Double(mantissa) / Double(1 << mantissaBits)
      let magnitude =
        exponent == 0
        ? Double(sign: .plus, exponent: 1 - bias, significand: 1) * fraction
        : Double(sign: .plus, exponent: exponent - bias, significand: 1) * (1 + fraction)
      return sign * magnitude
    }
    positive = values[..<(values.count / 2)].enumerated()
      .filter { $0.element.isFinite }.map { ($0.element, $0.offset) }
  }

  /// The pattern nearest to a finite value, ties to even; nil when it is too large.
  public func rounded(_ value: Double) -> Int? {
    let magnitude = value.magnitude
    let signBit = value.sign == .minus ? values.count / 2 : 0
    var low = 0
    var high = positive.count - 1
    if magnitude >= positive[high].value {
      // Half a step above the largest value is where the next one would begin.
      let step = positive[high].value - positive[high - 1].value
      let limit = positive[high].value + step / 2
      let isLargestEven = positive[high].pattern % 2 == 0
      let isIn = magnitude < limit || (magnitude == limit && isLargestEven)
      return isIn ? positive[high].pattern | signBit : nil
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if positive[middle].value <= magnitude { low = middle } else { high = middle }
    }
    // Sums of two neighbours and their half are exact in float64: they have few bits.
    let midpoint = (positive[low].value + positive[high].value) / 2
    let isUp = magnitude > midpoint || (magnitude == midpoint && positive[low].pattern % 2 == 1)
    return positive[isUp ? high : low].pattern | signBit
  }

  /// The bytes of patterns, little-endian.
  public func bytes(_ patterns: [Int]) -> [UInt8] {
    patterns.flatMap { pattern in
      (0..<width).map { UInt8(truncatingIfNeeded: pattern >> (8 * $0)) }
    }
  }

  /// The patterns in bytes.
  public func patterns(_ bytes: [UInt8]) -> [Int] {
    stride(from: 0, to: bytes.count, by: width).map { start in
      (0..<width).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
    }
  }
}

extension ExactFormat: CustomStringConvertible {
  /// The dtype's name: test runs print their arguments.
  public var description: String { dtype.rawValue }
}
