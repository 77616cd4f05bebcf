import CZlib
public import TensorCore

/// Decompresses a raw deflate stream of any length piece by piece; one belongs to one thread.
///
/// It uses zlib and some 40 KiB: for members of archives that are too large to be held.
@safe public final class InflateStream {
  /// Whether the end of the stream was reached.
  public private(set) var isAtEnd = false

  private let state: UnsafeMutablePointer<z_stream>

  /// Starts a stream.
  public init() {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: z_stream())
    let size = unsafe Int32(MemoryLayout<z_stream>.size)
    // Negative bits of the window: no header around the stream.
    guard unsafe inflateInit2_(state, -MAX_WBITS, ZLIB_VERSION, size) == Z_OK else {
      fatalError("out of memory")
    }
  }

  deinit {
    unsafe inflateEnd(state)
    unsafe state.deallocate()
  }

  /// Decompresses from `range` of `source` into `space` of `target` until one of them is used up or the stream ends.
  ///
  /// - Returns: how many bytes were taken, and how many came out. When neither moves before the end, the stream
  ///   needs more input or more space.
  /// - Throws: `CompressionError` when the stream is damaged.
  public func decompress(
    _ range: Range<Int>, of source: ByteBuffer, into space: Range<Int>, of target: ByteBuffer
  ) throws(CompressionError) -> Inflater.Result {
    precondition(max(range.count, space.count) <= Int(UInt32.max))
    if isAtEnd { return Inflater.Result(byteCount: 0, consumedByteCount: 0) }
    let outcome = unsafe source.withUnsafeBytes(in: range) { input in
      unsafe target.withUnsafeBytes(in: space) { output in
        unsafe state.pointee.next_in = input.bindMemory(to: UInt8.self).baseAddress
        unsafe state.pointee.avail_in = UInt32(input.count)
        unsafe state.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        unsafe state.pointee.avail_out = UInt32(output.count)
        return unsafe inflate(state, Z_NO_FLUSH)
      }
    }
    switch outcome {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: isAtEnd = true
    case Z_MEM_ERROR: fatalError("out of memory")
    default: throw CompressionError(.damaged, "the deflate stream is damaged")
    }
    return unsafe Inflater.Result(
      byteCount: space.count - Int(state.pointee.avail_out),
      consumedByteCount: range.count - Int(state.pointee.avail_in))
  }
}
