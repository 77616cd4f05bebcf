import HDF5Format
import TensorCore

/// Filters of HDF5 chunks.
///
///     chunk-decode FILTERS MASK SIZE     a stored chunk on standard input -> its bytes
///     chunk-encode FILTERS               the bytes of a chunk -> the mask in a line, what is stored
///
/// FILTERS are `id:flags:value,value` joined by `+`, or `none`.
enum ChunkProbe {
  static func decode(_ input: [UInt8], _ arguments: [String]) throws -> [UInt8] {
    let count = Int(arguments[3]) ?? 0
    let source = ByteBuffer(count: input.count)
    source.copy(from: input, range: 0..<input.count, to: 0)
    let target = ByteBuffer(count: count)
    try ChunkCodec().decode(
      0..<input.count, of: source, filterMask: UInt32(arguments[2]) ?? 0,
      pipeline: pipeline(arguments[1]), chunkByteCount: count, into: target, at: 0)
    return target.bytes(in: 0..<count)
  }

  static func encode(_ input: [UInt8], _ arguments: [String]) throws -> [UInt8] {
    let pipeline = try pipeline(arguments[1])
    let source = ByteBuffer(count: input.count)
    source.copy(from: input, range: 0..<input.count, to: 0)
    let target = ByteBuffer(count: pipeline.maximumStoredByteCount(of: input.count))
    let encoded = try ChunkCodec().encode(
      0..<input.count, of: source, pipeline: pipeline, into: target, at: 0)
    return Array("\(encoded.filterMask)\n".utf8) + target.bytes(in: 0..<encoded.byteCount)
  }

  private static func pipeline(_ text: String) throws -> ChunkPipeline {
    let parts = text == "none" ? [] : text.split(separator: "+")
    return try ChunkPipeline(parts.map(description))
  }

  private static func description(_ text: Substring) -> ChunkFilter.Description {
    let fields = text.split(separator: ":", omittingEmptySubsequences: false)
    return ChunkFilter.Description(
      id: Int(fields[0]) ?? 0, flags: UInt32(fields[1]) ?? 0,
      clientValues: fields[2].split(separator: ",").compactMap { UInt32($0) }, name: "")
  }
}
