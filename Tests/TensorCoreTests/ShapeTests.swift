import Testing

@testable import TensorCore

@Suite struct ShapeTests {
  @Test func multipliesExtents() throws {
    #expect(try Shape([2, 3, 4]).elementCount == 24)
    #expect(try Shape([]).elementCount == 1)
    #expect(try Shape([5, 0, 7]).elementCount == 0)
    #expect(try Shape([2, 3]).byteCount(of: .complex128) == 96)
  }

  @Test func refusesNegativeExtents() {
    #expect(throws: TensorError.negativeExtent([2, -1])) { try Shape([2, -1]) }
  }

  @Test(arguments: [[Int.max, 2], [1 << 32, 1 << 32], [0, 1 << 62, 4], [1 << 62, 4, 0]])
  func refusesOverflowAlsoBesideZero(dimensions: [Int]) {
    #expect(throws: TensorError.tooManyElements(dimensions)) { try Shape(dimensions) }
  }

  @Test func refusesBytesThatOverflow() throws {
    let shape = try Shape([Int.max / 4])
    #expect(throws: TensorError.tooManyElements([Int.max / 4])) {
      try shape.byteCount(of: .float64)
    }
  }

  @Test func refusesPartialBytes() throws {
    #expect(try Shape([2, 1]).byteCount(of: .float4) == 1)
    #expect(throws: TensorError.partialByte([3], .float4)) {
      try Shape([3]).byteCount(of: .float4)
    }
  }

  @Test func refusesTooManyDimensions() throws {
    _ = try Shape(Array(repeating: 1, count: 64))
    #expect(throws: TensorError.rankTooLarge(65)) { try Shape(Array(repeating: 1, count: 65)) }
  }

  @Test func printsAsNumPyDoes() throws {
    #expect(try "\(Shape([784, 128]))" == "[784, 128]")
  }
}
