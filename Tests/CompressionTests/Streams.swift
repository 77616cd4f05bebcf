import TestSupport

@testable import Compression

/// Small streams made by zlib and by h5py's LZF, and what is in them.
enum Streams {
  static let text =
    Array("checkpoint, checkpoint, ".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: 300)
    + Array("checkpoint".utf8)

  /// By zlib at level 4.
  static let zlib: [UInt8] = [
    120, 94, 75, 206, 72, 77, 206, 46, 200, 207, 204, 43, 209, 81, 72, 70, 98, 39, 142, 2, 162, 1,
    34, 220, 0, 157, 118, 126, 189,
  ]

  /// The same without what is around.
  static let raw = Array(zlib[2..<zlib.count - 4])

  /// By h5py's LZF filter.
  static let lzf: [UInt8] = [
    12, 99, 104, 101, 99, 107, 112, 111, 105, 110, 116, 44, 32, 99, 224, 2, 11, 0, 97, 224, 255, 0,
    224, 26, 0, 193, 55, 1, 110, 116,
  ]

  /// Numbers with the bits of small floats: some repeat, most do not.
  static func sample(byteCount: Int, seed: UInt64) -> [UInt8] {
    var numbers = SplitMix(seed: seed)
    var bytes: [UInt8] = []
    while bytes.count < byteCount {
      let number = numbers.next()
      if number % 7 == 0, bytes.count > 40 {
        let start = Int(number >> 8) % (bytes.count - 32)
        bytes += Array(bytes[start..<start + Int(number >> 4) % 32])
      } else {
        bytes += [UInt8(truncatingIfNeeded: number >> 16), 0x3C, UInt8(number % 4), 0]
      }
    }
    return Array(bytes.prefix(byteCount))
  }
}
