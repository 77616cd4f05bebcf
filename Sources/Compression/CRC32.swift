import CByteFilters
import CDeflate
import CZlib
public import TensorCore

/// The CRC-32 of ZIP and gzip (ISO 3309), computed piece by piece.
public struct CRC32: Sendable, Hashable {
  /// The checksum of the bytes so far.
  public private(set) var value: UInt32 = 0

  /// Starts with no bytes.
  public init() {}

  /// Takes the checksum of bytes that were read before.
  package init(value: UInt32) { self.value = value }

  /// Adds the bytes of `range`.
  public mutating func update(_ range: Range<Int>, of buffer: ByteBuffer) {
    unsafe buffer.withUnsafeBytes(in: range) { bytes in
      unsafe update(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Adds bytes.
  public mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { bytes in unsafe update(bytes) }
  }

  private mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var rest = InlineArray<64, UInt8>(repeating: 0)
    let folded = unsafe withUnsafeMutableBytes(of: &rest) { rest in
      let start = unsafe rest.baseAddress?.assumingMemoryBound(to: UInt8.self)
      let folded = unsafe imwa_crc32_fold(value, bytes.baseAddress, bytes.count, start)
      if folded > 0 { value = unsafe libdeflate_crc32(UInt32.max, start, 64) }
      return folded
    }
    let left = unsafe UnsafeRawBufferPointer(rebasing: bytes[folded...])
    // No bytes may have no address, which libdeflate takes for the wish to start anew.
    if left.count > 0 { value = unsafe libdeflate_crc32(value, left.baseAddress, left.count) }
  }

  /// Adds bytes whose checksum was computed on its own: by another thread.
  public mutating func append(_ other: CRC32, byteCount: Int) {
    value = UInt32(truncatingIfNeeded: crc32_combine(UInt(value), UInt(other.value), byteCount))
  }
}
