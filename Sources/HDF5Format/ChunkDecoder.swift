import Synchronization
import TensorCore

/// What the datasets of a file share to read chunks: decompressors, and the chunks that were used last.
public final class ChunkDecoder: Sendable {
  private struct Key: Hashable {
    let object: Int
    let chunk: Int
  }

  /// Chunks in two generations: when the younger one is full, the older one is forgotten.
  private struct Recent {
    var young: [Key: [UInt8]] = [:]
    var old: [Key: [UInt8]] = [:]
    var youngSize = 0
  }

  /// Half of the memory for chunks that may be needed again.
  private static let generationSize = 2 << 20

  private let recent = Mutex(Recent())
  let codecs = ChunkCodecPool()

  /// Makes an empty one.
  public init() {}

  /// A chunk that was kept; nil when it was forgotten.
  func recentChunk(_ number: Int, of object: Int) -> [UInt8]? {
    let key = Key(object: object, chunk: number)
    return recent.withLock { $0.young[key] ?? $0.old[key] }
  }

  /// Keeps a chunk for a while.
  func keep(_ bytes: [UInt8], asChunk number: Int, of object: Int) {
    recent.withLock { recent in
      recent.young[Key(object: object, chunk: number)] = bytes
      recent.youngSize += bytes.count
      guard recent.youngSize > ChunkDecoder.generationSize else { return }
      recent.old = recent.young
      recent.young = [:]
      recent.youngSize = 0
    }
  }
}
