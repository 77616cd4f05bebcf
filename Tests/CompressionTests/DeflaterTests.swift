import TensorCore
import TestSupport
import Testing

@testable import Compression

@Suite struct DeflaterTests {
  @Test(arguments: 0...9)
  func whatIsCompressedComesBack(level: Int) throws {
    let deflater = Deflater(level: level)
    let inflater = Inflater()
    for (count, framing) in [(0, DeflateFraming.raw), (1, .zlib), (70_001, .zlib), (4096, .raw)] {
      let sample = Streams.sample(byteCount: count, seed: UInt64(count))
      let room = deflater.maximumByteCount(of: count, framing: framing)
      let buffer = ByteBuffer(sample, room: room + count)
      let stored = try #require(
        deflater.compress(
          0..<count, of: buffer, framing: framing, into: buffer, at: count,
          maximumByteCount: room))
      if level == 0 { #expect(stored > count) }
      if level > 0 && count > 100 { #expect(stored < count * 3 / 4) }
      let result = try inflater.decompress(
        count..<count + stored, of: buffer, framing: framing, into: buffer, at: count + room,
        maximumByteCount: count)
      #expect(result.byteCount == count)
      #expect(buffer.bytes(in: count + room..<2 * count + room) == sample)
    }
  }

  @Test func saysWhenAStreamDoesNotFit() {
    var numbers = SplitMix(seed: 6)
    let noise = (0..<1000).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
    let buffer = ByteBuffer(noise, room: 2000)
    let count = Deflater(level: 4).compress(
      0..<1000, of: buffer, framing: .zlib, into: buffer, at: 1000, maximumByteCount: 100)
    #expect(count == nil)
    #expect(buffer.isUntouched(in: 1100..<3000))
  }

  @Test func givesTheSameBytesEveryTime() {
    let sample = Streams.sample(byteCount: 50_000, seed: 3)
    var streams: Set<[UInt8]> = []
    let used = Deflater(level: 6)
    for deflater in [used, used, Deflater(level: 6)] {
      let buffer = ByteBuffer(sample, room: 60_000)
      let count = deflater.compress(
        0..<50_000, of: buffer, framing: .zlib, into: buffer, at: 50_000, maximumByteCount: 60_000)
      streams.insert(buffer.bytes(in: 50_000..<50_000 + (count ?? 0)))
    }
    #expect(streams.count == 1)
  }
}
