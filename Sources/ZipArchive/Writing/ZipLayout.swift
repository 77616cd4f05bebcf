import TensorCore

/// A new archive: where the data of its members go, and the bytes around them.
///
/// The same entries give the same bytes. ZIP64 is used for what needs it only.
public struct ZipLayout: Sendable {
  /// Bytes at a place of the file.
  public struct Piece: Sendable, Hashable {
    /// The first byte in the file.
    public let offset: Int
    /// The bytes.
    public let bytes: [UInt8]
  }

  /// The members, in the order in which they are written.
  public let entries: [ZipEntry]
  /// Where the data of each entry go. The writer puts `storedByteCount` bytes there.
  public let dataOffsets: [Int]
  /// Everything but the data: a header before each member's data, and the central directory.
  public let pieces: [Piece]
  /// The size of the file.
  public let byteCount: Int

  /// Where the checksums of each entry stand.
  private let checksumOffsets: [[Int]]

  /// Lays out an archive.
  ///
  /// - Throws: `ZipError` when a name is not possible, is there twice, or something is too long.
  public init(_ entries: [ZipEntry], comment: [UInt8] = []) throws(ZipError) {
    guard comment.count <= ZipFormat.maximum16 else {
      throw ZipError(
        .unwritable, "a comment of \(comment.count) bytes is too long for a ZIP archive")
    }
    try ZipLayout.checkNames(entries)
    var pieces: [Piece] = []
    var headerOffsets: [Int] = []
    var dataOffsets: [Int] = []
    var offset = 0
    for entry in entries {
      let header = try entry.localHeader(at: offset)
      pieces.append(Piece(offset: offset, bytes: header))
      headerOffsets.append(offset)
      dataOffsets.append(offset + header.count)
      offset += header.count + entry.storedByteCount
    }
    var end: [UInt8] = []
    var checksumOffsets: [[Int]] = []
    for (entry, headerOffset) in zip(entries, headerOffsets) {
      checksumOffsets.append([headerOffset + 14, offset + end.count + 16])
      end += try entry.directoryEntry(headerOffset: headerOffset)
    }
    end += ZipLayout.endRecords(
      memberCount: entries.count, directorySize: end.count, directoryOffset: offset,
      comment: comment)
    pieces.append(Piece(offset: offset, bytes: end))
    self.entries = entries
    self.dataOffsets = dataOffsets
    self.pieces = pieces
    self.checksumOffsets = checksumOffsets
    byteCount = offset + end.count
  }

  /// What is to be written over the pieces when the checksums are known that were not at first.
  ///
  /// - Parameter checksums: by the position of the entry; exactly those that had none.
  public func patches(_ checksums: [Int: UInt32]) -> [Piece] {
    let missing = entries.indices.filter { entries[$0].checksum == nil }
    precondition(missing.count == checksums.count, "not the checksums that were missing")
    return missing.flatMap { index in
      guard let checksum = checksums[index] else {
        preconditionFailure("no checksum of member '\(entries[index].name)'")
      }
      var bytes: [UInt8] = []
      bytes.append32(Int(checksum))
      return checksumOffsets[index].map { Piece(offset: $0, bytes: bytes) }
    }
  }

  private static func checkNames(_ entries: [ZipEntry]) throws(ZipError) {
    var names: Set<ExactString> = []
    names.reserveCapacity(entries.count)
    for entry in entries {
      let bytes = Array(entry.name.utf8)
      let isTooLong = bytes.count > ZipFormat.maximum16
      let problem =
        bytes.isEmpty ? "is empty" : isTooLong ? "is too long" : ZipName.problem(of: bytes[...])
      if let problem {
        throw ZipError(
          .unwritable,
          "'\(entry.name)' cannot be the name of a member of a ZIP archive: it \(problem)")
      }
      guard names.insert(ExactString(entry.name)).inserted else {
        throw ZipError(
          .unwritable, "two members of a ZIP archive would have the name '\(entry.name)'")
      }
    }
  }

  private static func endRecords(
    memberCount: Int, directorySize: Int, directoryOffset: Int, comment: [UInt8]
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    if memberCount >= ZipFormat.maximum16 || directorySize >= ZipFormat.maximum32
      || directoryOffset >= ZipFormat.maximum32
    {
      bytes.append(ZipSignature.zip64EndRecord)
      bytes.append64(ZipFormat.zip64EndRecordSize - 12)
      bytes.append16(ZipEntry.zip64Version)
      bytes.append16(ZipEntry.zip64Version)
      bytes.append64(0)
      bytes.append64(memberCount)
      bytes.append64(memberCount)
      bytes.append64(directorySize)
      bytes.append64(directoryOffset)
      bytes.append(ZipSignature.zip64Locator)
      bytes.append32(0)
      bytes.append64(directoryOffset + directorySize)
      bytes.append32(1)
    }
    bytes.append(ZipSignature.endRecord)
    bytes.append32(0)
    bytes.append16(min(memberCount, ZipFormat.maximum16))
    bytes.append16(min(memberCount, ZipFormat.maximum16))
    bytes.append32(min(directorySize, ZipFormat.maximum32))
    bytes.append32(min(directoryOffset, ZipFormat.maximum32))
    bytes.append16(comment.count)
    return bytes + comment
  }
}

extension ZipEntry {
  /// The version of the format that has large sizes.
  static let zip64Version = 45

  private var hasLargeSizes: Bool { max(byteCount, storedByteCount) >= ZipFormat.maximum32 }

  /// The header before the data, padded so that they are aligned.
  func localHeader(at offset: Int) throws(ZipError) -> [UInt8] {
    var extra: [UInt8] = []
    if hasLargeSizes {
      extra.append16(ZipExtra.zip64)
      extra.append16(16)
      extra.append64(byteCount)
      extra.append64(storedByteCount)
    }
    extra += attributes.localExtra
    if alignment > 1 {
      let start = offset + ZipFormat.localHeaderSize + name.utf8.count + extra.count + 4
      let padding = (alignment - start % alignment) % alignment
      extra.append16(ZipExtra.padding)
      extra.append16(padding)
      extra += [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
    }
    try checkLength(of: extra)
    var bytes: [UInt8] = []
    bytes.append(ZipSignature.localHeader)
    bytes.append16(
      hasLargeSizes
        ? max(attributes.versionNeeded, ZipEntry.zip64Version) : attributes.versionNeeded)
    appendCommonFields(to: &bytes)
    bytes.append16(name.utf8.count)
    bytes.append16(extra.count)
    return bytes + Array(name.utf8) + extra
  }

  /// The entry of the central directory.
  func directoryEntry(headerOffset: Int) throws(ZipError) -> [UInt8] {
    let hasLargeOffset = headerOffset >= ZipFormat.maximum32
    var extra: [UInt8] = []
    if hasLargeSizes || hasLargeOffset {
      extra.append16(ZipExtra.zip64)
      extra.append16((hasLargeSizes ? 16 : 0) + (hasLargeOffset ? 8 : 0))
      if hasLargeSizes {
        extra.append64(byteCount)
        extra.append64(storedByteCount)
      }
      if hasLargeOffset { extra.append64(headerOffset) }
    }
    let version = extra.isEmpty ? 0 : ZipEntry.zip64Version
    extra += attributes.directoryExtra
    try checkLength(of: extra)
    var bytes: [UInt8] = []
    bytes.append(ZipSignature.directoryEntry)
    bytes.append16(attributes.versionMadeBy)
    bytes.append16(max(attributes.versionNeeded, version))
    appendCommonFields(to: &bytes)
    bytes.append16(name.utf8.count)
    bytes.append16(extra.count)
    bytes.append16(attributes.comment.count)
    bytes.append16(0)
    bytes.append16(attributes.internalAttributes)
    bytes.append32(attributes.externalAttributes)
    bytes.append32(min(headerOffset, ZipFormat.maximum32))
    return bytes + Array(name.utf8) + extra + attributes.comment
  }

  /// From the flags to the sizes, which both records have alike.
  private func appendCommonFields(to bytes: inout [UInt8]) {
    bytes.append16(attributes.flags)
    bytes.append16(method.rawValue)
    bytes.append16(attributes.time)
    bytes.append16(attributes.date)
    bytes.append32(Int(checksum ?? 0))
    bytes.append32(hasLargeSizes ? ZipFormat.maximum32 : storedByteCount)
    bytes.append32(hasLargeSizes ? ZipFormat.maximum32 : byteCount)
  }

  private func checkLength(of extra: [UInt8]) throws(ZipError) {
    guard extra.count <= ZipFormat.maximum16 else {
      throw ZipError(.unwritable, "the extra fields of member '\(name)' are too long")
    }
  }
}
