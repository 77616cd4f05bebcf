import TensorCore
import TestSupport
import Testing

@testable import HDF5Format

@Suite struct Fletcher32Tests {
  /// The two sums by definition, in wide numbers; a multiple of the modulus that is not zero is 65535.
  private func expected(_ bytes: [UInt8]) -> UInt32 {
    var sum: UInt64 = 0
    var sumOfSums: UInt64 = 0
    for start in stride(from: 0, to: bytes.count, by: 2) {
      let low: UInt8 = start + 1 < bytes.count ? bytes[start + 1] : 0
      sum += UInt64(bytes[start]) * 256 + UInt64(low)
      sumOfSums += sum
    }
    let parts = [sumOfSums, sum].map { (part: UInt64) -> UInt32 in
      part == 0 ? 0 : UInt32((part - 1) % 65535 + 1)
    }
    return parts[0] << 16 | parts[1]
  }

  @Test func isTheSumByDefinition() {
    for count in [0, 1, 2, 3, 719, 720, 721, 8191, 8192, 8193, 16384, 30_001] {
      let samples = [
        sampleBytes(count, seed: UInt64(count)), [UInt8](repeating: 0xFF, count: count),
        [UInt8](repeating: 0, count: count),
      ]
      for sample in samples {
        #expect(
          Fletcher32.checksum(1..<1 + count, of: ByteBuffer([9] + sample)) == expected(sample))
      }
    }
  }

  /// The last four bytes of chunks that h5py wrote.
  @Test func isTheChecksumOfLibhdf5() {
    let scattered = (0..<100_003).map { index -> UInt8 in
      UInt8(truncatingIfNeeded: (index * 2_654_435_761) >> 7)
    }
    let chunks: [([UInt8], [UInt8])] = [
      ((0..<9).map { $0 * 29 }, [210, 69, 58, 141]),
      ((0..<6).map { $0 * 51 }, [204, 51, 203, 154]),
      ([UInt8](repeating: 255, count: 2000), [255, 255, 255, 255]),
      ([UInt8](repeating: 0, count: 2000), [0, 0, 0, 0]),
      (scattered, [174, 222, 16, 150]),
    ]
    for (data, checksum) in chunks {
      let buffer = ByteBuffer(data, room: 4)
      Fletcher32.append(to: 0..<data.count, of: buffer)
      #expect(buffer.bytes(in: data.count..<data.count + 4) == checksum)
      #expect(Fletcher32.isIntact(0..<data.count + 4, of: buffer))
    }
  }

  /// HDF5 before 1.6.3 exchanged the bytes of each half.
  @Test func acceptsTheChecksumOfOldVersions() {
    let data: [UInt8] = (0..<9).map { $0 * 29 }
    #expect(Fletcher32.isIntact(0..<13, of: ByteBuffer(data + [69, 210, 141, 58])))
    #expect(!Fletcher32.isIntact(0..<13, of: ByteBuffer(data + [58, 141, 210, 69])))
    #expect(!Fletcher32.isIntact(0..<13, of: ByteBuffer(data + [210, 69, 141, 58])))
  }

  @Test func isNotIntactWithoutRoomForAChecksum() {
    #expect(!Fletcher32.isIntact(0..<3, of: ByteBuffer([0, 0, 0])))
  }
}
