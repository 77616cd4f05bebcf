import TensorCore
import TestSupport
import Testing

@testable import Compression

@Suite struct InflaterTests {
  private func inflate(_ stream: [UInt8], _ framing: DeflateFraming, maximum: Int) throws
    -> (bytes: [UInt8], result: Inflater.Result)
  {
    let target = ByteBuffer([], room: maximum + 64)
    let result = try Inflater().decompress(
      0..<stream.count, of: ByteBuffer(stream), framing: framing, into: target, at: 32,
      maximumByteCount: maximum)
    return (target.bytes(in: 32..<32 + result.byteCount), result)
  }

  @Test func readsWhatZlibWrote() throws {
    let zlib = try inflate(Streams.zlib, .zlib, maximum: Streams.text.count)
    #expect(zlib.bytes == Streams.text)
    #expect(zlib.result.consumedByteCount == Streams.zlib.count)
    let raw = try inflate(Streams.raw, .raw, maximum: 1000)
    #expect(raw.bytes == Streams.text)
    #expect(raw.result.consumedByteCount == Streams.raw.count)
  }

  @Test func stopsAtTheEndOfTheStream() throws {
    let stream = Streams.zlib + [1, 2, 3]
    let found = try inflate(stream, .zlib, maximum: 400)
    #expect(found.bytes == Streams.text)
    #expect(found.result.consumedByteCount == Streams.zlib.count)
  }

  @Test func refusesStreamsThatAreCutOff() {
    for count in 0..<Streams.zlib.count {
      #expect(throws: CompressionError.self) {
        try inflate(Array(Streams.zlib.prefix(count)), .zlib, maximum: 400)
      }
    }
    for count in 0..<Streams.raw.count {
      #expect(throws: CompressionError.self) {
        try inflate(Array(Streams.raw.prefix(count)), .raw, maximum: 400)
      }
    }
  }

  @Test func refusesAWrongChecksumOfTheData() {
    var stream = Streams.zlib
    stream[stream.count - 1] ^= 1
    let error = #expect(throws: CompressionError.self) {
      try inflate(stream, .zlib, maximum: 400)
    }
    #expect(error?.code == .damaged)
  }

  @Test func refusesABombAndTouchesNothingBehindTheLimit() throws {
    let deflater = Deflater(level: 9)
    let zeros = ByteBuffer([UInt8](repeating: 0, count: 1 << 20), room: 1 << 20)
    let count = try #require(
      deflater.compress(
        0..<1 << 20, of: zeros, framing: .zlib, into: zeros, at: 1 << 20,
        maximumByteCount: 1 << 20))
    let target = ByteBuffer([], room: 2000)
    let error = #expect(throws: CompressionError.self) {
      try Inflater().decompress(
        1 << 20..<1 << 20 + count, of: zeros, framing: .zlib, into: target, at: 0,
        maximumByteCount: 1000)
    }
    #expect(error?.code == .tooLarge)
    #expect(target.isUntouched(in: 1000..<2000))
  }

  @Test func survivesRandomDamage() {
    var numbers = SplitMix(seed: 1)
    for _ in 0..<500 {
      var stream = Streams.zlib
      for _ in 0..<1 + numbers.next() % 3 {
        stream[Int(numbers.next() % UInt64(stream.count))] = UInt8(
          truncatingIfNeeded: numbers.next())
      }
      // The checksum of the data sees to it that what is not refused is right.
      if let found = try? inflate(stream, .zlib, maximum: 400) {
        #expect(found.bytes == Streams.text)
      }
    }
  }
}
