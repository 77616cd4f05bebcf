import TensorCore
import TestSupport
import Testing

@testable import Compression

@Suite struct CRC32Tests {
  /// The check value of the standard's catalogue.
  @Test func hasThePublishedCheckValue() {
    var checksum = CRC32()
    #expect(checksum.value == 0)
    checksum.update([])
    checksum.update(Array("123456789".utf8))
    #expect(checksum.value == 0xCBF4_3926)
  }

  /// Long pieces are shortened first where the processor can; short ones never are.
  @Test(arguments: [1023, 1024, 1025, 1279, 1280, 4096, 65_537, 300_000])
  func longPiecesHaveTheChecksumOfShortOnes(byteCount: Int) {
    let buffer = ByteBuffer(Streams.sample(byteCount: byteCount + 70, seed: UInt64(byteCount)))
    for start in [0, 1, 63] {
      var whole = CRC32()
      whole.update(0..<start, of: buffer)
      var pieces = whole
      whole.update(start..<start + byteCount, of: buffer)
      for place in stride(from: start, to: start + byteCount, by: 100) {
        pieces.update(place..<min(place + 100, start + byteCount), of: buffer)
      }
      #expect(whole == pieces)
    }
  }

  @Test func doesNotDependOnHowTheBytesArrive() {
    let sample = Streams.sample(byteCount: 10_000, seed: 5)
    let buffer = ByteBuffer(sample)
    var whole = CRC32()
    whole.update(0..<10_000, of: buffer)
    for cut in [0, 1, 17, 4096, 9_999, 10_000] {
      var pieces = CRC32()
      pieces.update(0..<cut, of: buffer)
      pieces.update(Array(sample[cut...]))
      #expect(pieces == whole)
      var first = CRC32()
      first.update(0..<cut, of: buffer)
      var second = CRC32()
      second.update(cut..<10_000, of: buffer)
      first.append(second, byteCount: 10_000 - cut)
      #expect(first == whole)
    }
  }
}
