import Testing

@testable import TensorCore

@Suite struct DTypeTests {
  @Test func hasTheWidthsOfTheFormat() {
    let widths: [(String, Int)] = [
      ("BOOL", 8), ("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6), ("U8", 8), ("I8", 8), ("F8_E5M2", 8),
      ("F8_E4M3", 8), ("F8_E8M0", 8), ("F8_E4M3FNUZ", 8), ("F8_E5M2FNUZ", 8), ("I16", 16),
      ("U16", 16), ("F16", 16), ("BF16", 16), ("I32", 32), ("U32", 32), ("F32", 32), ("C64", 64),
      ("F64", 64), ("I64", 64), ("U64", 64), ("C128", 128),
    ]
    #expect(DType.allCases.count == widths.count)
    for (name, width) in widths {
      #expect(DType(rawValue: name)?.bitWidth == width, "\(name)")
    }
  }

  @Test func namesAreCaseSensitive() {
    #expect(DType(rawValue: "f32") == nil)
  }

  @Test func onlyNumbersWithArithmeticAreAveraged() {
    let averaged = DType.allCases.filter(\.isAveraged)
    #expect(
      Set(averaged) == [
        .float64, .float32, .float16, .bfloat16, .float8E4M3, .float8E5M2, .complex64, .complex128,
      ])
    for dtype in averaged { #expect(dtype.kernelCode <= 5) }
  }
}
