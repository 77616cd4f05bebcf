import Compression
import FileIO
import SystemPackage
import TensorCore

/// Files that data sets come in, whole, and unpacked when gzip packed them.
enum DataFile {
  /// The bytes of a file.
  ///
  /// - Throws: `FileError` when it cannot be read, `TrainingError` when it is damaged.
  static func bytes(_ path: FilePath) throws -> [UInt8] {
    let file = try ReadableFile(path)
    let bytes = try file.bytes(in: 0..<file.size)
    return bytes.starts(with: [0x1F, 0x8B]) ? try unpacked(bytes, label: path.string) : bytes
  }

  /// The bytes of the first of several names that exists in a folder.
  ///
  /// - Throws: as `bytes`; the error names the first.
  static func bytes(in folder: FilePath, named names: [String]) throws
    -> (bytes: [UInt8], label: String)
  {
    let name = names.first { FileStatus(of: folder.appending($0)) != nil } ?? names[0]
    let path = folder.appending(name)
    return (try bytes(path), path.string)
  }

  /// Undoes gzip (RFC 1952): a header, one deflate stream, a checksum and the size.
  static func unpacked(_ bytes: [UInt8], label: String) throws -> [UInt8] {
    func damaged(_ why: String) -> TrainingError {
      .badInput("\(label): the gzip file is damaged: \(why)")
    }
    guard bytes.count >= 18, bytes[2] == 8 else { throw damaged("it is no deflate stream") }
    guard let start = endOfHeader(bytes), start + 8 <= bytes.count else {
      throw damaged("it ends in its header")
    }
    let trailer = bytes.suffix(8).map { UInt32($0) }
    func number(_ first: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | trailer[first + $1] << UInt32(8 * $1) }
    }
    let size = Int(number(4))
    // Deflate packs at most by 1032 to 1: a larger claim is damage.
    guard size <= bytes.count * 1032 else { throw damaged("its size is impossible") }
    let source = ByteBuffer(count: bytes.count)
    source.copy(from: bytes, range: 0..<bytes.count, to: 0)
    let target = ByteBuffer(count: size)
    let result: Inflater.Result
    do {
      result = try Inflater().decompress(
        start..<bytes.count - 8, of: source, framing: .raw, into: target, at: 0,
        maximumByteCount: size)
    } catch {
      throw damaged(error.description)
    }
    guard result.byteCount == size, start + result.consumedByteCount == bytes.count - 8 else {
      throw damaged("it holds \(result.byteCount) bytes, but says \(size)")
    }
    var checksum = CRC32()
    checksum.update(0..<size, of: target)
    guard checksum.value == number(0) else { throw damaged("its checksum is wrong") }
    return target.bytes(in: 0..<size)
  }

  /// Where the deflate stream starts, behind the optional fields; nil when they do not end.
  private static func endOfHeader(_ bytes: [UInt8]) -> Int? {
    let flags = bytes[3]
    var place = 10
    if flags & 4 != 0 {
      guard place + 2 <= bytes.count else { return nil }
      place += 2 + Int(bytes[place]) + Int(bytes[place + 1]) << 8
    }
    for flag in [UInt8(8), 16] where flags & flag != 0 {
      guard place < bytes.count, let end = bytes[place...].firstIndex(of: 0) else { return nil }
      place = end + 1
    }
    return flags & 2 != 0 ? place + 2 : place
  }
}
