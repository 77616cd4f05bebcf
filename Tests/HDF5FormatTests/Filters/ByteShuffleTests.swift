import TensorCore
import TestSupport
import Testing

@testable import HDF5Format

@Suite struct ByteShuffleTests {
  /// By definition: byte `i` of element `e` goes to place `i * elements + e`; what is left over stays.
  private func expected(_ bytes: [UInt8], width: Int) -> [UInt8] {
    let elements = bytes.count / width
    var result = bytes
    for element in 0..<elements {
      for index in 0..<width {
        result[index * elements + element] = bytes[element * width + index]
      }
    }
    return result
  }

  @Test(arguments: [1, 2, 3, 4, 5, 8, 12, 16, 17, 300])
  func shufflesByDefinitionAndBack(width: Int) {
    for count in [0, 1, width - 1, width, 2 * width, 15 * width + 1, 16 * width, 531 * width - 1] {
      let sample = sampleBytes(count, seed: UInt64(width))
      // Odd places in the buffers: nothing needs to be aligned.
      let buffer = ByteBuffer([0] + sample, room: 2 * count + 8)
      ByteShuffle.shuffle(1..<1 + count, of: buffer, width: width, into: buffer, at: 1 + count)
      #expect(buffer.bytes(in: 1 + count..<1 + 2 * count) == expected(sample, width: width))
      ByteShuffle.unshuffle(
        1 + count..<1 + 2 * count, of: buffer, width: width, into: buffer, at: 1 + 2 * count)
      #expect(buffer.bytes(in: 1 + 2 * count..<1 + 3 * count) == sample)
      #expect(buffer.isUntouched(in: 1 + 3 * count..<8 + 3 * count))
    }
  }

  /// What h5py stores for five floats.
  @Test func givesTheBytesOfLibhdf5() {
    let raw: [UInt8] = [0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64]
    let stored: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 64, 128, 0, 63, 64, 64, 64]
    let buffer = ByteBuffer(raw, room: 20)
    ByteShuffle.shuffle(0..<20, of: buffer, width: 4, into: buffer, at: 20)
    #expect(buffer.bytes(in: 20..<40) == stored)
  }
}
