import Compression
public import TensorCore

/// Applies and undoes the filters of chunks, with memory that it keeps; one belongs to one thread.
///
/// It holds at most two blocks of the size of a chunk besides what the caller gives, and none for pipelines of one
/// compressing filter.
public final class ChunkCodec {
  /// How a chunk is to be stored.
  public struct Encoded: Sendable, Hashable {
    /// The number of bytes.
    public let byteCount: Int
    /// The filters that were left out, as in `H5Dwrite_chunk`: bit 0 for the first.
    public let filterMask: UInt32
  }

  /// Where the bytes are while filters are applied.
  private struct Place {
    var buffer: ByteBuffer
    var range: Range<Int>

    func starts(at position: Int, of other: ByteBuffer) -> Bool {
      buffer === other && range.lowerBound == position
    }
  }

  private let inflater = Inflater()
  private var deflaters: [Int: Deflater] = [:]
  private var scratch = [ByteBuffer(count: 0), ByteBuffer(count: 0)]

  /// Allocates little; the blocks come when chunks do.
  public init() {}

  /// Undoes the filters of a stored chunk.
  ///
  /// - Parameters:
  ///   - stored: the bytes in `source`; a filtered chunk that libhdf5 stores without its filters (a partial one at
  ///     an edge) has all bits of the mask set.
  ///   - chunkByteCount: the size that the dataset declares. Exactly so many bytes are written to `target` from
  ///     `position` on; they must not overlap what is stored.
  /// - Throws: `HDF5Error` when a checksum is wrong or the chunk does not hold what is declared.
  public func decode(
    _ stored: Range<Int>, of source: ByteBuffer, filterMask: UInt32, pipeline: ChunkPipeline,
    chunkByteCount: Int, into target: ByteBuffer, at position: Int
  ) throws(HDF5Error) {
    let applied = pipeline.applied(filterMask: filterMask, chunkByteCount: chunkByteCount)
    var place = Place(buffer: source, range: stored)
    for index in applied.indices.reversed() {
      let step = applied[index]
      if step.filter == .fletcher32 {
        guard Fletcher32.isIntact(place.range, of: place.buffer) else {
          throw .damagedChunk("its checksum is wrong")
        }
        place.range = place.range.lowerBound..<place.range.upperBound - Fletcher32.byteCount
        continue
      }
      let isLast = applied[..<index].allSatisfy { $0.filter == .fletcher32 }
      let result =
        isLast && step.inputByteCount <= chunkByteCount
        ? Place(buffer: target, range: position..<position + step.inputByteCount)
        : scratch(apartFrom: place.buffer, byteCount: step.inputByteCount)
      place = try undo(step, of: place, into: result)
    }
    guard place.range.count == chunkByteCount else {
      throw .damagedChunk("it has \(place.range.count) bytes instead of \(chunkByteCount)")
    }
    if !place.starts(at: position, of: target) {
      target.copy(from: place.buffer, range: place.range, to: position)
    }
  }

  private func undo(_ step: ChunkPipeline.Applied, of place: Place, into result: Place)
    throws(HDF5Error) -> Place
  {
    let start = result.range.lowerBound
    let byteCount: Int
    do {
      switch step.filter {
      case .deflate:
        byteCount = try inflater.decompress(
          place.range, of: place.buffer, framing: .zlib, into: result.buffer, at: start,
          maximumByteCount: step.inputByteCount
        ).byteCount
      case .lzf:
        byteCount = try LZF.decompress(
          place.range, of: place.buffer, into: result.buffer, at: start,
          maximumByteCount: step.inputByteCount)
      case .shuffle(let width):
        byteCount = place.range.count
        if byteCount <= step.inputByteCount {
          ByteShuffle.unshuffle(
            place.range, of: place.buffer, width: width, into: result.buffer, at: start)
        }
      case .fletcher32: return place
      }
    } catch {
      throw .damagedChunk(error.description)
    }
    guard step.isExact ? byteCount == step.inputByteCount : byteCount <= step.inputByteCount else {
      throw .damagedChunk("it has \(byteCount) bytes instead of \(step.inputByteCount)")
    }
    return Place(buffer: result.buffer, range: start..<start + byteCount)
  }

  /// Applies the filters to a chunk, as libhdf5 does: an optional one that fails is left out.
  ///
  /// - Parameters:
  ///   - raw: the bytes of the chunk in `source`.
  ///   - position: where the first stored byte goes in `target`, which has room for
  ///     `maximumStoredByteCount(of:)` of the pipeline from there on, apart from `raw`.
  /// - Throws: `HDF5Error` when a filter that is not optional makes the chunk larger.
  public func encode(
    _ raw: Range<Int>, of source: ByteBuffer, pipeline: ChunkPipeline, into target: ByteBuffer,
    at position: Int
  ) throws(HDF5Error) -> Encoded {
    var place = Place(buffer: source, range: raw)
    var filterMask: UInt32 = 0
    for (index, step) in pipeline.steps.enumerated() {
      let isLast = pipeline.steps[(index + 1)...].allSatisfy { $0.filter == .fletcher32 }
      let room = step.filter.maximumByteCount(of: place.range.count)
      // A checksum goes behind bytes that are ours, and at the end in the target.
      let isInPlace =
        step.filter == .fletcher32 && !place.starts(at: raw.lowerBound, of: source)
        && (!isLast || place.starts(at: position, of: target))
      let result =
        isInPlace
        ? place
        : isLast
          ? Place(buffer: target, range: position..<position + room)
          : scratch(apartFrom: place.buffer, byteCount: room)
      if let filtered = apply(step.filter, to: place, into: result) {
        place = filtered
      } else if step.isOptional {
        filterMask |= 1 << UInt32(index)
      } else {
        throw HDF5Error(
          .refused,
          "a chunk does not get smaller by filter \(step.filter.name), which must not be left out")
      }
    }
    if !place.starts(at: position, of: target) {
      target.copy(from: place.buffer, range: place.range, to: position)
    }
    return Encoded(byteCount: place.range.count, filterMask: filterMask)
  }

  /// The filtered bytes; nil when the filter fails.
  private func apply(_ filter: ChunkFilter, to place: Place, into result: Place) -> Place? {
    let start = result.range.lowerBound
    let byteCount: Int?
    switch filter {
    case .deflate(let level):
      byteCount = deflater(level).compress(
        place.range, of: place.buffer, framing: .zlib, into: result.buffer, at: start,
        maximumByteCount: result.range.count)
    case .lzf:
      byteCount = LZF.compress(
        place.range, of: place.buffer, into: result.buffer, at: start,
        maximumByteCount: result.range.count)
    case .shuffle(let width):
      ByteShuffle.shuffle(
        place.range, of: place.buffer, width: width, into: result.buffer, at: start)
      byteCount = place.range.count
    case .fletcher32:
      if !place.starts(at: start, of: result.buffer) {
        result.buffer.copy(from: place.buffer, range: place.range, to: start)
      }
      Fletcher32.append(to: start..<start + place.range.count, of: result.buffer)
      byteCount = place.range.count + Fletcher32.byteCount
    }
    return byteCount.map { Place(buffer: result.buffer, range: start..<start + $0) }
  }

  private func deflater(_ level: Int) -> Deflater {
    if let deflater = deflaters[level] { return deflater }
    let deflater = Deflater(level: level)
    deflaters[level] = deflater
    return deflater
  }

  /// A block of our own with room for checksums behind it.
  private func scratch(apartFrom other: ByteBuffer, byteCount: Int) -> Place {
    let index = scratch[0] === other ? 1 : 0
    let needed = byteCount + ChunkPipeline.maximumStepCount * Fletcher32.byteCount
    if scratch[index].count < needed { scratch[index] = ByteBuffer(count: needed) }
    return Place(buffer: scratch[index], range: 0..<byteCount)
  }
}
