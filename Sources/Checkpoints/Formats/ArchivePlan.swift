import Compression
import FileIO
import SystemPackage
import TensorCore
import ZipArchive

/// The members of a ZIP archive that is to be written, and where their bytes come from.
struct ArchivePlan {
  /// Some of the bytes of a member.
  enum Part {
    case bytes([UInt8])
    /// Bytes of another file.
    case carried(any ByteSource, offset: Int, count: Int)
    /// The values of a tensor of the map that is written.
    case tensor(Int, reversedWidth: Int?)
  }

  /// The data of new members begin at a multiple of this.
  let alignment: Int
  /// The comment at the end.
  var comment: [UInt8] = []

  private var entries: [ZipEntry] = []
  private var parts: [[Part]] = []

  init(alignment: Int = 1) { self.alignment = alignment }

  /// Adds a member, whose bytes are those of its parts.
  mutating func append(_ entry: ZipEntry, parts: [Part]) {
    entries.append(entry)
    self.parts.append(parts)
  }

  /// Adds a member of a few bytes.
  mutating func append(_ name: String, bytes: [UInt8]) {
    var checksum = CRC32()
    checksum.update(bytes)
    append(
      ZipEntry(name, byteCount: bytes.count, checksum: checksum.value, alignment: alignment),
      parts: [.bytes(bytes)])
  }

  /// Lays the archive out; checksums of tensors are summed up while these are written, and written last.
  ///
  /// - Parameter name: the name of the file in a folder; nil when it is the output.
  /// - Throws: `ZipError`.
  func layout(_ weights: WeightMap, named name: String? = nil) throws -> OutputLayout {
    let archive = try ZipLayout(entries, comment: comment)
    var texts = GatheredTexts()
    var carried: [OutputLayout.Carried] = []
    var placements: [OutputLayout.Placement] = []
    placements.reserveCapacity(weights.count)
    for (number, parts) in parts.enumerated() {
      texts.append(archive.pieces[number].bytes, at: archive.pieces[number].offset)
      var offset = archive.dataOffsets[number]
      for part in parts {
        switch part {
        case .bytes(let bytes):
          texts.append(bytes, at: offset)
          offset += bytes.count
        case .carried(let source, let start, let count):
          carried.append(try ArchivePlan.carry(source, start, count: count, to: offset))
          offset += count
        case .tensor(let tensor, let reversedWidth):
          placements.append(
            OutputLayout.Placement(tensor: tensor, offset: offset, reversedWidth: reversedWidth))
          offset += weights.tensors[tensor].info.byteCount
        }
      }
    }
    for piece in archive.pieces[entries.count...] { texts.append(piece.bytes, at: piece.offset) }
    carried = try texts.carried() + carried
    carried.sort { $0.offset < $1.offset }
    let unknown = archive.entries.indices.filter { archive.entries[$0].checksum == nil }
    let file = OutputLayout.File(
      name: name, prefix: [], placements: placements, size: archive.byteCount, carried: carried,
      summed: unknown.map { index in
        let start = archive.dataOffsets[index]
        return start..<start + archive.entries[index].storedByteCount
      })
    return OutputLayout(
      files: [file], finish: { try ArchivePlan.write($1, of: unknown, in: archive, to: $0) })
  }

  /// Small texts in one source, so that neighbours are read together.
  private struct GatheredTexts {
    private var bytes: [UInt8] = []
    private var places: [(start: Int, count: Int, offset: Int)] = []

    mutating func append(_ text: [UInt8], at offset: Int) {
      if text.isEmpty { return }
      if let last = places.last, last.offset + last.count == offset {
        places[places.count - 1].count += text.count
      } else {
        places.append((bytes.count, text.count, offset))
      }
      bytes += text
    }

    func carried() throws -> [OutputLayout.Carried] {
      let source = MemoryBytes(bytes)
      return try places.map { try carry(source, $0.start, count: $0.count, to: $0.offset) }
    }
  }

  private static func carry(
    _ source: any ByteSource, _ start: Int, count: Int, to offset: Int
  ) throws -> OutputLayout.Carried {
    let info = try TensorInfo(name: "archive", dtype: .uint8, shape: Shape([count]))
    return OutputLayout.Carried(
      bytes: Tensor(info, storage: .bytes(source, offset: start)), offset: offset)
  }

  /// Writes the checksums that were not known before the data.
  private static func write(
    _ sums: RangeChecksums, of entries: [Int], in archive: ZipLayout, to path: FilePath
  ) throws {
    if entries.isEmpty { return }
    var checksums: [Int: UInt32] = [:]
    for (number, entry) in entries.enumerated() {
      checksums[entry] = sums.checksum(ofRange: number)
    }
    let file = try WritableFile(updating: path)
    for piece in archive.patches(checksums) { try file.write(piece.bytes, at: piece.offset) }
  }
}
