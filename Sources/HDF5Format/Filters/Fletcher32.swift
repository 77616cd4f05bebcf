import CByteFilters
import TensorCore

/// HDF5's checksum of chunks.
enum Fletcher32 {
  /// The number of bytes that it takes, behind the data.
  static let byteCount = 4

  /// The checksum of the bytes of `range`.
  static func checksum(_ range: Range<Int>, of buffer: ByteBuffer) -> UInt32 {
    unsafe buffer.withUnsafeBytes(in: range) { bytes in
      unsafe imwa_fletcher32(bytes.baseAddress, bytes.count)
    }
  }

  /// Whether the last four bytes of `range` are the checksum of those before.
  ///
  /// HDF5 before 1.6.3 wrote it on little-endian machines with the bytes of each half exchanged; libhdf5 takes that
  /// for right, and so does this.
  static func isIntact(_ range: Range<Int>, of buffer: ByteBuffer) -> Bool {
    guard range.count >= byteCount else { return false }
    let end = range.upperBound - byteCount
    let computed = checksum(range.lowerBound..<end, of: buffer)
    let stored = buffer.bytes(in: end..<range.upperBound).reversed()
      .reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let exchanged = (computed & 0x00FF_00FF) << 8 | (computed & 0xFF00_FF00) >> 8
    return stored == computed || stored == exchanged
  }

  /// Writes the checksum of `range` behind it.
  static func append(to range: Range<Int>, of buffer: ByteBuffer) {
    let value = checksum(range, of: buffer)
    let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    buffer.copy(from: bytes, range: 0..<byteCount, to: range.upperBound)
  }
}
