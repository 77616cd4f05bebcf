import CByteFilters
public import TensorCore

/// LZF, the light compression of h5py's filter 32000.
public enum LZF {
  /// Decompresses `range` of `source` into `target`, which may be the same buffer when the ranges do not overlap.
  ///
  /// - Parameters:
  ///   - position: where the first byte goes in `target`.
  ///   - maximumByteCount: the most bytes that may come out. Nothing behind them is touched.
  /// - Returns: the number of bytes that came out.
  /// - Throws: `CompressionError` when the data are damaged, cut off, or hold more.
  public static func decompress(
    _ range: Range<Int>, of source: ByteBuffer, into target: ByteBuffer, at position: Int,
    maximumByteCount: Int
  ) throws(CompressionError) -> Int {
    var produced = 0
    let outcome = unsafe source.withUnsafeBytes(in: range) { input in
      unsafe target.withUnsafeBytes(in: position..<position + maximumByteCount) { output in
        unsafe imwa_lzf_decode(
          input.baseAddress, input.count, output.baseAddress, output.count, &produced)
      }
    }
    switch outcome {
    case IMWA_LZF_COMPLETE: return produced
    case IMWA_LZF_TOO_LARGE: throw .tooLarge(maximumByteCount)
    case IMWA_LZF_CUT_OFF: throw CompressionError(.damaged, "the LZF data are cut off")
    default:
      throw CompressionError(.damaged, "the LZF data refer to what is before their start")
    }
  }

  /// Compresses `range` of `source` into `target`, which may be the same buffer when the ranges do not overlap.
  ///
  /// - Parameters:
  ///   - position: where the first byte goes in `target`.
  ///   - maximumByteCount: the room for the result.
  /// - Returns: the number of bytes; nil when they do not fit, or there is nothing to compress.
  public static func compress(
    _ range: Range<Int>, of source: ByteBuffer, into target: ByteBuffer, at position: Int,
    maximumByteCount: Int
  ) -> Int? {
    let count = unsafe source.withUnsafeBytes(in: range) { input in
      unsafe target.withUnsafeBytes(in: position..<position + maximumByteCount) { output in
        unsafe imwa_lzf_encode(
          input.baseAddress, input.count, output.baseAddress, output.count)
      }
    }
    return count == 0 ? nil : count
  }
}
