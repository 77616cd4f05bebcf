import TensorCore
import TestSupport
import Testing

@testable import Compression

@Suite struct InflateStreamTests {
  @Test(arguments: [1, 2, 7, 1000])
  func readsPiecesOfAnySize(piece: Int) throws {
    let source = ByteBuffer(Streams.raw)
    let target = ByteBuffer(count: piece)
    let stream = InflateStream()
    var found: [UInt8] = []
    var position = 0
    while !stream.isAtEnd {
      let end = min(position + piece, source.count)
      let result = try stream.decompress(position..<end, of: source, into: 0..<piece, of: target)
      position += result.consumedByteCount
      found += target.bytes(in: 0..<result.byteCount)
      let isStuck = result.consumedByteCount == 0 && result.byteCount == 0
      try #require(!isStuck || stream.isAtEnd)
    }
    #expect(found == Streams.text)
    #expect(position == Streams.raw.count)
  }

  @Test func doesNotMoveWhenTheInputIsCutOff() throws {
    let source = ByteBuffer(Array(Streams.raw.dropLast()))
    let target = ByteBuffer(count: 400)
    let stream = InflateStream()
    _ = try stream.decompress(0..<source.count, of: source, into: 0..<400, of: target)
    let result = try stream.decompress(0..<0, of: source, into: 0..<400, of: target)
    #expect(result == Inflater.Result(byteCount: 0, consumedByteCount: 0))
    #expect(!stream.isAtEnd)
  }

  @Test func refusesDamage() {
    let source = ByteBuffer([0xFF, 0xFF, 0xFF])
    #expect(throws: CompressionError.self) {
      try InflateStream().decompress(0..<3, of: source, into: 0..<10, of: ByteBuffer(count: 10))
    }
  }

  @Test func takesNothingBehindTheEnd() throws {
    let source = ByteBuffer(Streams.raw + [1, 2, 3])
    let stream = InflateStream()
    let target = ByteBuffer(count: 400)
    let result = try stream.decompress(0..<source.count, of: source, into: 0..<400, of: target)
    #expect(stream.isAtEnd)
    #expect(result.consumedByteCount == Streams.raw.count)
    let more = try stream.decompress(0..<source.count, of: source, into: 0..<400, of: target)
    #expect(more == Inflater.Result(byteCount: 0, consumedByteCount: 0))
  }
}
