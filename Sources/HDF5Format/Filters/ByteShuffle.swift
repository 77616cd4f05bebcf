import CByteFilters
import TensorCore

/// HDF5's shuffle: the first bytes of all elements, then the second bytes, and so on.
enum ByteShuffle {
  /// Shuffles `range` of `source` to `position` of `target`; the two places must not overlap.
  static func shuffle(
    _ range: Range<Int>, of source: ByteBuffer, width: Int, into target: ByteBuffer,
    at position: Int
  ) {
    unsafe source.withUnsafeBytes(in: range) { input in
      unsafe target.withUnsafeBytes(in: position..<position + range.count) { output in
        guard let input = input.baseAddress, let output = output.baseAddress else { return }
        unsafe imwa_shuffle(input, range.count, width, output)
      }
    }
  }

  /// Undoes a shuffle of `range` of `source`, to `position` of `target`; the two places must not overlap.
  static func unshuffle(
    _ range: Range<Int>, of source: ByteBuffer, width: Int, into target: ByteBuffer,
    at position: Int
  ) {
    unsafe source.withUnsafeBytes(in: range) { input in
      unsafe target.withUnsafeBytes(in: position..<position + range.count) { output in
        guard let input = input.baseAddress, let output = output.baseAddress else { return }
        unsafe imwa_unshuffle(input, range.count, width, output)
      }
    }
  }
}
