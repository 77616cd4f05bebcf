import Compression
import FileIO
import Foundation
import SystemPackage
import TensorCore
import ZipArchive

/// ZIP archives.
///
///     zip-list FILE                                      a line for each member: size, stored size, CRC-32, offset, name
///     zip-read FILE NAME                                 the data of a member, read in three ways
///     zip-copy FILE OUT ALIGNMENT [NAME REPLACEMENT]     a copy in which one member has the data of another file
///     zip-new OUT ALIGNMENT [NAME SOURCE]...             a new archive; SOURCE is a file, or a size for zeros
enum ZipProbe {
  private struct Disagreement: Error {}

  static func list(_ path: String) throws -> [UInt8] {
    let lines = try open(path).members.map {
      "\($0.byteCount) \($0.storedByteCount) \($0.checksum) \($0.dataRange.lowerBound) \($0.name)\n"
    }
    return Array(lines.joined().utf8)
  }

  static func read(_ path: String, _ name: String) throws -> [UInt8] {
    let file = try open(path)
    guard let member = file[name] else { exit(66) }
    let whole = try file.bytes(of: member, limit: 1 << 30)
    var pieces: [UInt8] = []
    try file.read(member) { pieces += $1.bytes(in: $0) }
    try file.verify(member, threads: 3)
    guard whole == pieces else { throw Disagreement() }
    return whole
  }

  static func copy(_ path: String, _ output: String, _ arguments: [String]) throws -> [UInt8] {
    let file = try open(path)
    let alignment = Int(arguments[0]) ?? 1
    let replacement = try arguments.count > 2 ? ReadableFile(FilePath(arguments[2])) : nil
    var sources: [Range<Int>?] = []
    let entries = try file.members.map { member in
      if let replacement, member.name == arguments[1] {
        sources.append(nil)
        return file.entry(replacing: member, byteCount: replacement.size, alignment: alignment)
      }
      sources.append(member.dataRange)
      return file.entry(copying: member, alignment: alignment)
    }
    let layout = try ZipLayout(entries, comment: file.comment)
    try write(layout, to: output) { index in
      if let range = sources[index] {
        let buffer = ByteBuffer(count: range.count)
        try file.source.read(at: range.lowerBound, count: range.count, into: buffer, at: 0)
        return buffer.bytes(in: 0..<range.count)
      }
      return try replacement.map { try $0.bytes(in: 0..<$0.size) } ?? []
    }
    return []
  }

  static func create(_ output: String, _ arguments: [String]) throws -> [UInt8] {
    let alignment = Int(arguments[0]) ?? 1
    let pairs = stride(from: 1, to: arguments.count, by: 2).map {
      (arguments[$0], arguments[$0 + 1])
    }
    let files = try pairs.map { Int($0.1) == nil ? try ReadableFile(FilePath($0.1)) : nil }
    let entries = zip(pairs, files).map { pair, file in
      // Large members of zeros are holes; their checksum is not asked for.
      ZipEntry(
        pair.0, byteCount: file?.size ?? Int(pair.1) ?? 0, checksum: file == nil ? 0 : nil,
        alignment: alignment)
    }
    let layout = try ZipLayout(entries)
    try write(layout, to: output) { try files[$0].map { try $0.bytes(in: 0..<$0.size) } ?? [] }
    return []
  }

  private static func open(_ path: String) throws -> ZipFile {
    let file = try ReadableFile(FilePath(path))
    return try ZipFile(file, size: file.size)
  }

  /// Writes the pieces, then the data, then the checksums that are known only now.
  private static func write(
    _ layout: ZipLayout, to path: String, _ data: (Int) throws -> [UInt8]
  ) throws {
    FileManager.default.createFile(atPath: path, contents: nil)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    func put(_ bytes: [UInt8], at offset: Int) throws {
      try handle.seek(toOffset: UInt64(offset))
      try handle.write(contentsOf: Data(bytes))
    }
    for piece in layout.pieces { try put(piece.bytes, at: piece.offset) }
    var checksums: [Int: UInt32] = [:]
    for (index, entry) in layout.entries.enumerated() {
      let bytes = try data(index)
      try put(bytes, at: layout.dataOffsets[index])
      guard entry.checksum == nil else { continue }
      var checksum = CRC32()
      checksum.update(bytes)
      checksums[index] = checksum.value
    }
    for patch in layout.patches(checksums) { try put(patch.bytes, at: patch.offset) }
    try handle.close()
  }
}
