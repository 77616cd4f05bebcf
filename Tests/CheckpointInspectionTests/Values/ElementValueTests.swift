import TensorCore
import Testing

@testable import CheckpointInspection

@Suite struct ElementValueTests {
  private func texts(_ bytes: [UInt8], _ dtype: DType) throws -> [String] {
    try ElementValue.values(bytes, dtype: dtype).map(\.text)
  }

  @Test func everyKindIsRead() throws {
    #expect(try texts([0, 1, 7], .bool) == ["false", "true", "7"])
    #expect(try texts([0xFF, 0x80], .int8) == ["-1", "-128"])
    #expect(try texts([0xFF, 0xFF], .uint16) == ["65535"])
    #expect(try texts([UInt8](repeating: 0xFF, count: 8), .uint64) == ["18446744073709551615"])
    #expect(try texts([0, 0x3C, 0, 0xFC], .float16) == ["1.0", "-inf"])
    #expect(try texts([0x80, 0x3F], .bfloat16) == ["1.0"])
    #expect(try texts([0x7F, 0x38], .float8E4M3) == ["nan", "1.0"])
    #expect(try texts([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0], .complex64) == ["1.0-2.0j"])
    #expect(try texts([0x0A, 0xFF], .float8E8M0) == ["0x0a", "0xff"])
  }

  @Test func whatIsNotFiniteIsAStringInJSON() throws {
    let values = try ElementValue.values([0, 0, 0xC0, 0x7F, 0, 0, 0x80, 0xFF], dtype: .float32)
    #expect(values.map(\.json) == [.string("nan"), .string("-inf")])
  }
}
