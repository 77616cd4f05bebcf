import CDeflate
public import TensorCore

/// Decompresses whole deflate streams in memory; one belongs to one thread.
///
/// It uses libdeflate, which takes about half of zlib's time.
@safe public final class Inflater {
  /// What a stream held.
  public struct Result: Sendable, Hashable {
    /// The number of bytes that came out.
    public let byteCount: Int
    /// The number of bytes that the stream took; bytes behind its end are not looked at.
    public let consumedByteCount: Int
  }

  private let decompressor: OpaquePointer

  /// Allocates what decompression needs: some 10 KiB.
  public init() {
    guard let decompressor = unsafe libdeflate_alloc_decompressor() else {
      fatalError("out of memory")
    }
    unsafe self.decompressor = unsafe decompressor
  }

  deinit { unsafe libdeflate_free_decompressor(decompressor) }

  /// Decompresses the stream in `range` of `source` into `target`, which may be the same buffer when the ranges
  /// do not overlap.
  ///
  /// - Parameters:
  ///   - position: where the first byte goes in `target`.
  ///   - maximumByteCount: the most bytes that may come out; what is declared. Nothing behind them is touched.
  /// - Throws: `CompressionError` when the stream is damaged, cut off, or holds more.
  public func decompress(
    _ range: Range<Int>, of source: ByteBuffer, framing: DeflateFraming, into target: ByteBuffer,
    at position: Int, maximumByteCount: Int
  ) throws(CompressionError) -> Result {
    var consumed = 0
    var produced = 0
    let outcome = unsafe source.withUnsafeBytes(in: range) { input in
      unsafe target.withUnsafeBytes(in: position..<position + maximumByteCount) { output in
        switch framing {
        case .zlib:
          unsafe libdeflate_zlib_decompress_ex(
            decompressor, input.baseAddress, input.count, output.baseAddress, output.count,
            &consumed, &produced)
        case .raw:
          unsafe libdeflate_deflate_decompress_ex(
            decompressor, input.baseAddress, input.count, output.baseAddress, output.count,
            &consumed, &produced)
        }
      }
    }
    switch outcome {
    case LIBDEFLATE_SUCCESS: return Result(byteCount: produced, consumedByteCount: consumed)
    case LIBDEFLATE_INSUFFICIENT_SPACE: throw .tooLarge(maximumByteCount)
    default: throw CompressionError(.damaged, "the deflate stream is damaged or cut off")
    }
  }
}
