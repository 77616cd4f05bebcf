import Testing

@testable import TensorCore

@Suite struct TensorTests {
  @Test func holdsFloats() throws {
    let tensor = try Tensor(name: "w", shape: Shape([2]), values: [1.5, -0.0])
    #expect(try tensor.values() == [1.5, 0])
    #expect(try tensor.values()[1].sign == .minus)
    #expect(try tensor.bytes() == [0, 0, 0xC0, 0x3F, 0, 0, 0, 0x80])
  }

  @Test func refusesAnotherNumberOfBytes() throws {
    let shape = try Shape([3])
    #expect(throws: TensorError.self) {
      try Tensor(name: "w", shape: shape, encoding: ElementEncoding(.float32), bytes: [1, 2])
    }
  }

  @Test func readsBigEndianNumbers() throws {
    let tensor = try Tensor(
      name: "w", shape: Shape([2]), encoding: ElementEncoding(.float32, byteOrder: .bigEndian),
      bytes: [0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0])
    #expect(try tensor.values() == [1, -2])
  }

  @Test func readsBigEndianComplexNumbersPartByPart() throws {
    let tensor = try Tensor(
      name: "w", shape: Shape([1]), encoding: ElementEncoding(.complex64, byteOrder: .bigEndian),
      bytes: [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(try tensor.bytes() == [4, 3, 2, 1, 8, 7, 6, 5])
  }

  @Test func computesOnlyTheElementsThatAreRead() throws {
    let inputs = try [[1, 2, 3], [3, 6, 9]].map {
      try Tensor(name: "w", shape: Shape([3]), values: $0)
    }
    let mean = Tensor(
      inputs[0].info, storage: .computed(.linear(.uniform(inputCount: 2)), inputs))
    #expect(try mean.values() == [2, 4, 6])
    let buffer = ByteBuffer(count: 16)
    try mean.read(bytes: 4..<8, into: buffer, at: 8)
    #expect(buffer.bytes(in: 8..<12) == [0, 0, 0x80, 0x40])
  }

  @Test func integersHaveNoRealValues() throws {
    let tensor = try Tensor(
      name: "n", shape: Shape([1]), encoding: ElementEncoding(.int8), bytes: [1])
    #expect(throws: TensorError.notFloating(tensor.info)) { try tensor.values() }
  }
}
