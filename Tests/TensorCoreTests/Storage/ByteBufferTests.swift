import TestSupport
import Testing

@testable import TensorCore

@Suite struct ByteBufferTests {
  @Test func findsTheFirstDifference() {
    let buffer = ByteBuffer(count: 64)
    buffer.copy(from: Array(0..<32) + Array(0..<32), range: 0..<64, to: 0)
    #expect(buffer.firstDifference(at: 0, and: 32, count: 32) == nil)
    for place in [0, 7, 8, 15, 30, 31] {
      var bytes = Array<UInt8>(0..<32)
      bytes[place] ^= 0x80
      buffer.copy(from: bytes, range: 0..<32, to: 32)
      #expect(buffer.firstDifference(at: 0, and: 32, count: 32) == place)
    }
    #expect(buffer.firstDifference(at: 0, and: 32, count: 0) == nil)
  }

  @Test func copiesBetweenBuffers() {
    let first = ByteBuffer(count: 4)
    let second = ByteBuffer(count: 4)
    first.copy(from: [1, 2, 3, 4], range: 1..<3, to: 2)
    second.copy(from: first, range: 2..<4, to: 0)
    #expect(second.bytes(in: 0..<2) == [2, 3])
  }

  @Test(arguments: [1, 2, 3, 4, 8, 10, 16])
  func reversesTheBytesOfElements(width: Int) {
    for count in [0, 1, 7, 33] {
      let bytes = (0..<width * count).map { UInt8(truncatingIfNeeded: $0 * 7) }
      let buffer = ByteBuffer([1] + bytes + [2], room: 0)
      buffer.reverseElements(in: 1..<1 + bytes.count, width: width)
      let expected = stride(from: 0, to: bytes.count, by: width).flatMap { start in
        bytes[start..<start + width].reversed()
      }
      #expect(buffer.bytes(in: 0..<buffer.count) == [1] + expected + [2])
    }
  }

  @Test func stringsAreComparedByTheirBytes() {
    #expect(ExactString("e\u{301}") != ExactString("\u{E9}"))
    #expect(ExactString("layer.12.weight") == ExactString("layer.12.weight"))
    #expect(ExactString("layer.12.weight") != ExactString("layer.13.weight"))
    #expect(ExactString("Z") < ExactString("a") && ExactString("a") < ExactString("\u{E9}"))
    #expect(Set<ExactString>(["e\u{301}", "\u{E9}", "\u{E9}"]).count == 2)
  }
}
