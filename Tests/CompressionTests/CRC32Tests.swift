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
