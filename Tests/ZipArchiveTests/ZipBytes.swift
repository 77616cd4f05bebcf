import Compression
import TensorCore

@testable import ZipArchive

/// A plain writer of archives that shares no code with the toolkit's: every field can be made wrong.
struct ZipBytes {
  struct Member {
    var name: [UInt8]
    var data: [UInt8]
    var method = 0
    var flags = 0
    var byteCount: Int
    var checksum: Int
    /// What the local header says instead.
    var localName: [UInt8]?
    var localMethod: Int?
    var localFlags: Int?
    var localByteCount: Int?
    var localStoredByteCount: Int?
    var localChecksum: Int?
    /// What the directory says instead.
    var storedByteCount: Int?
    var headerOffset: Int?
    var disk = 0
    var extra: [UInt8] = []
    var localExtra: [UInt8] = []
    /// Bytes behind the data.
    var descriptor: [UInt8] = []

    init(_ name: String, _ data: [UInt8]) {
      self.name = Array(name.utf8)
      self.data = data
      byteCount = data.count
      checksum = ZipBytes.checksum(data)
    }

    init(_ name: String, deflated data: [UInt8], holding original: [UInt8]) {
      self.init(name, data)
      method = 8
      byteCount = original.count
      checksum = ZipBytes.checksum(original)
    }
  }

  var members: [Member]
  var prefix: [UInt8] = []
  var comment: [UInt8] = []
  /// What the end record says instead.
  var memberCount: Int?
  var directorySize: Int?
  var directoryOffset: Int?
  var commentLength: Int?
  var disk = 0
  /// Bytes between the central directory and the end record, from the offset and size of the directory.
  var beforeEnd: ((_ offset: Int, _ size: Int) -> [UInt8])?

  init(_ members: [Member]) { self.members = members }

  var bytes: [UInt8] {
    var result: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let offset = result.count
      let name = member.localName ?? member.name
      result += number(0x0403_4B50, 4) + number(20, 2)
      result += number(member.localFlags ?? member.flags, 2)
      result += number(member.localMethod ?? member.method, 2) + number(0x0021_0000, 4)
      result += number(member.localChecksum ?? member.checksum, 4)
      result += number(member.localStoredByteCount ?? member.data.count, 4)
      result += number(member.localByteCount ?? member.byteCount, 4)
      result += number(name.count, 2) + number(member.localExtra.count, 2)
      result += name + member.localExtra + member.data + member.descriptor

      directory += number(0x0201_4B50, 4) + number(20, 2) + number(20, 2)
      directory += number(member.flags, 2) + number(member.method, 2) + number(0x0021_0000, 4)
      directory += number(member.checksum, 4)
      directory += number(member.storedByteCount ?? member.data.count, 4)
      directory += number(member.byteCount, 4) + number(member.name.count, 2)
      directory += number(member.extra.count, 2) + number(0, 2) + number(member.disk, 2)
      directory += number(0, 2) + number(0, 4) + number(member.headerOffset ?? offset, 4)
      directory += member.name + member.extra
    }
    let offset = result.count
    result += directory
    result += beforeEnd?(offset, directory.count) ?? []
    let count = memberCount ?? members.count
    result += number(0x0605_4B50, 4) + number(disk, 2) + number(disk, 2)
    result += number(count, 2) + number(count, 2)
    result += number(directorySize ?? directory.count, 4) + number(directoryOffset ?? offset, 4)
    result += number(commentLength ?? comment.count, 2) + comment
    return prefix + result
  }

  /// The larger end record and its locator.
  static func zip64(count: Int, size: Int, offset: Int, at place: Int, disks: Int = 1) -> [UInt8] {
    var bytes = number(0x0606_4B50, 4) + number(44, 8) + number(45, 2) + number(45, 2)
    bytes += number(0, 8) + number(count, 8) + number(count, 8) + number(size, 8)
    bytes += number(offset, 8)
    return bytes + number(0x0706_4B50, 4) + number(0, 4) + number(place, 8) + number(disks, 4)
  }

  static func number(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private func number(_ value: Int, _ width: Int) -> [UInt8] { ZipBytes.number(value, width) }

  static func checksum(_ data: [UInt8]) -> Int {
    var checksum = CRC32()
    checksum.update(data)
    return Int(checksum.value)
  }
}

extension ZipFile {
  /// Opens an archive in memory.
  init(_ bytes: [UInt8]) throws { try self.init(MemoryBytes(bytes), size: bytes.count) }
}

/// A small text and its deflated bytes, by zlib.
enum Sample {
  static let text =
    Array("checkpoint, checkpoint, ".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: 300)
    + Array("checkpoint".utf8)
  static let deflated: [UInt8] = [
    75, 206, 72, 77, 206, 46, 200, 207, 204, 43, 209, 81, 72, 70, 98, 39, 142, 2, 162, 1, 34, 220,
    0,
  ]
  static let members = [
    ZipBytes.Member("metadata.json", Array("{}".utf8)),
    ZipBytes.Member("weights/a", deflated: deflated, holding: text),
    ZipBytes.Member("assets/", []),
  ]
}
