import Foundation
import HDF5Format
import TensorCore

/// Lets the scripts under `Tests/Oracle` reach what no tool shows: one answer on standard output for what is on
/// standard input.
///
///     FormatProbe chunk-decode FILTERS MASK SIZE     a stored chunk -> its bytes
///     FormatProbe chunk-encode FILTERS               the bytes of a chunk -> the mask in a line, what is stored
///
/// FILTERS are `id:flags:value,value` joined by `+`, or `none`. What is refused ends with code 65 and a sentence.
@main struct FormatProbe {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let input = [UInt8](FileHandle.standardInput.readDataToEndOfFile())
    do {
      let output = try answer(arguments, input)
      FileHandle.standardOutput.write(Data(output))
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(65)
    }
  }

  private static func answer(_ arguments: [String], _ input: [UInt8]) throws -> [UInt8] {
    switch arguments.first {
    case "chunk-decode": try decode(input, arguments)
    case "chunk-encode": try encode(input, arguments)
    default: exit(64)
    }
  }

  private static func decode(_ input: [UInt8], _ arguments: [String]) throws -> [UInt8] {
    let count = Int(arguments[3]) ?? 0
    let source = ByteBuffer(count: input.count)
    source.copy(from: input, range: 0..<input.count, to: 0)
    let target = ByteBuffer(count: count)
    try ChunkCodec().decode(
      0..<input.count, of: source, filterMask: UInt32(arguments[2]) ?? 0,
      pipeline: pipeline(arguments[1]), chunkByteCount: count, into: target, at: 0)
    return target.bytes(in: 0..<count)
  }

  private static func encode(_ input: [UInt8], _ arguments: [String]) throws -> [UInt8] {
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
