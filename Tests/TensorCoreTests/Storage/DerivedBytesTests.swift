import Testing

@testable import TensorCore

@Suite struct DerivedBytesTests {
  @Test func bigEndianNumbersAreReadLittleEndian() throws {
    let source = ReversedBytes(MemoryBytes([1, 2, 3, 4, 5, 6, 7, 8]), width: 4)
    let buffer = ByteBuffer(count: 5)
    try source.read(at: 4, count: 4, into: buffer, at: 1)
    #expect(buffer.bytes(in: 1..<5) == [8, 7, 6, 5])
    #expect(source.label == "memory")
  }

  @Test(arguments: [[9], [1, 2, 3, 4], [5, 6, 7]] as [[UInt8]])
  func anElementIsRepeatedFromAnyPlace(element: [UInt8]) throws {
    let source = RepeatedBytes(element, label: "x")
    for offset in 0..<9 {
      let buffer = ByteBuffer(count: 50)
      try source.read(at: offset, count: 37, into: buffer, at: 3)
      let expected = (0..<37).map { element[(offset + $0) % element.count] }
      #expect(buffer.bytes(in: 3..<40) == expected)
    }
    #expect(!source.isZero)
    #expect(RepeatedBytes([0, 0], label: "x").isZero)
  }
}
