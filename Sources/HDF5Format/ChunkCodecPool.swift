import Synchronization

/// Codecs that threads borrow: each has memory that is dear to allocate for every chunk.
public final class ChunkCodecPool: Sendable {
  /// A codec that nobody uses; it is only reached under the lock.
  private struct Free: @unchecked Sendable {
    let codec: ChunkCodec
  }

  private let free = Mutex<[Free]>([])

  /// Makes an empty pool, which grows to the number of threads.
  public init() {}

  /// Lends a codec to `body`.
  ///
  /// - Throws: what `body` throws.
  public func withCodec<Result, Failure: Error>(
    _ body: (ChunkCodec) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let codec = free.withLock { $0.popLast() }?.codec ?? ChunkCodec()
    let borrowed = Free(codec: codec)
    defer { free.withLock { $0.append(borrowed) } }
    return try body(codec)
  }
}
