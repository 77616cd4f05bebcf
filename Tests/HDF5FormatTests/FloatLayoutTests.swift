import TensorCore
import Testing

@testable import HDF5Format

@Suite struct FloatLayoutTests {
  private func layout(
    size: Int = 3, order: ElementEncoding.ByteOrder = .littleEndian, sign: Int = 23,
    exponent: Range<Int> = 15..<23, mantissa: Range<Int> = 0..<15, bias: Int = 127
  ) -> FloatLayout? {
    FloatLayout(
      size: size, byteOrder: order, sign: sign, exponent: exponent, mantissa: mantissa, bias: bias)
  }

  /// Float16 has all kinds of numbers, and the compiler's conversions are the oracle.
  @Test func allHalvesAreWhatTheyAre() throws {
    let half = try #require(
      layout(size: 2, sign: 15, exponent: 10..<15, mantissa: 0..<10, bias: 15))
    for bits in UInt16.min...UInt16.max {
      let value = Double(Float16(bitPattern: bits))
      if value.isNaN {
        #expect(half.value(of: UInt64(bits)).isNaN)
      } else {
        #expect(half.value(of: UInt64(bits)).bitPattern == value.bitPattern)
        #expect(half.bits(of: value) == UInt64(bits))
      }
    }
  }

  @Test func roundingIsToTheNearestAndEven() throws {
    let half = try #require(
      layout(size: 2, sign: 15, exponent: 10..<15, mantissa: 0..<10, bias: 15))
    for bits in UInt16(0)..<Float16.infinity.bitPattern {
      let low = Double(Float16(bitPattern: bits))
      let high = bits == 0x7BFF ? 65536 : Double(Float16(bitPattern: bits + 1))
      for value in [(low + high) / 2, ((low + high) / 2).nextUp, ((low + high) / 2).nextDown] {
        #expect(half.bits(of: value) == UInt64(Float16(value).bitPattern))
        #expect(half.bits(of: -value) == UInt64(Float16(-value).bitPattern))
      }
    }
    #expect(half.bits(of: .nan) == 0x7E00)
    #expect(half.bits(of: 1e300) == 0x7C00)
    #expect(half.bits(of: .leastNonzeroMagnitude) == 0)
  }

  @Test func bytesHaveTheirOrder() throws {
    let little = try #require(layout())
    let big = try #require(layout(order: .bigEndian))
    #expect(little.decoded([0, 0, 0x40]) == [0, 0, 0, 0, 0, 0, 0, 0x40])
    #expect(big.decoded([0x40, 0, 0]) == [0, 0, 0, 0, 0, 0, 0, 0x40])
    #expect(little.encoded([0, 0, 0, 0, 0, 0, 0, 0x40]) == [0, 0, 0x40])
    #expect(big.encoded([0, 0, 0, 0, 0, 0, 0, 0x40]) == [0x40, 0, 0])
  }

  @Test func whatFloat64DoesNotHaveIsNoLayout() {
    #expect(layout(size: 10, sign: 79, exponent: 64..<79, mantissa: 0..<64, bias: 16383) == nil)
    #expect(layout(size: 8, sign: 63, exponent: 53..<63, mantissa: 0..<53, bias: 511) == nil)
    #expect(layout(size: 8, sign: 63, exponent: 51..<63, mantissa: 0..<51, bias: 2047) == nil)
    #expect(layout(size: 2) == nil)
    #expect(layout(exponent: 14..<22) == nil)
    #expect(layout(bias: 2000) == nil)
    #expect(layout(bias: 1) != nil)
  }
}
