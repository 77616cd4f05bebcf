import TensorCore

/// Reads the entries of a central directory.
struct ZipDirectory {
  private let bytes: [UInt8]
  private var position = 0

  /// The members that a directory lists; where their data begin is not known yet.
  ///
  /// - Throws: `ZipError`, and what the source throws.
  static func members(in source: any ByteSource, _ end: ZipEndRecord) throws -> [ZipMember] {
    var directory = ZipDirectory(
      bytes: try source.bytes(at: end.directoryRange.lowerBound, count: end.directoryRange.count))
    var members: [ZipMember] = []
    members.reserveCapacity(end.memberCount)
    for _ in 0..<end.memberCount {
      members.append(try directory.nextMember(prefixByteCount: end.prefixByteCount))
    }
    guard directory.position == directory.bytes.count else {
      throw ZipError.damaged("its central directory has more than \(end.memberCount) members")
    }
    return members
  }

  private mutating func nextMember(prefixByteCount: Int) throws(ZipError) -> ZipMember {
    let start = position
    guard bytes.count - start >= ZipFormat.directoryEntrySize,
      bytes.hasSignature(.directoryEntry, at: start)
    else { throw .damaged("its central directory has fewer members than its end record says") }
    let nameStart = start + ZipFormat.directoryEntrySize
    let extraStart = nameStart + bytes.unsigned16(at: start + 28)
    let commentStart = extraStart + bytes.unsigned16(at: start + 30)
    let end = commentStart + bytes.unsigned16(at: start + 32)
    guard end <= bytes.count else { throw .damaged("its central directory is cut off") }
    position = end

    let nameBytes = bytes[nameStart..<extraStart]
    let name = try ZipName.checked(nameBytes)
    let extra = Array(bytes[extraStart..<commentStart])
    if !extra.isEmpty { try ZipName.check(Array(nameBytes), against: extra) }
    let method = try checkedMethod(at: start, name)
    var sizes = ZipSizes(
      byteCount: bytes.unsigned32(at: start + 24),
      storedByteCount: bytes.unsigned32(at: start + 20),
      headerOffset: bytes.unsigned32(at: start + 42))
    try sizes.takeLarge(from: extra, name)
    guard method == .deflated || sizes.byteCount == sizes.storedByteCount else {
      throw .damaged("member '\(name)' is stored, but its two sizes differ")
    }
    // Both are below 2^63; the sum is checked with the file's size.
    let (headerOffset, isTooLarge) = sizes.headerOffset.addingReportingOverflow(prefixByteCount)
    let (dataEnd, isEndTooLarge) = headerOffset.addingReportingOverflow(sizes.storedByteCount)
    guard !isTooLarge, !isEndTooLarge else { throw .damaged("member '\(name)' lies outside of it") }

    var attributes = attributes(at: start)
    if !extra.isEmpty {
      attributes.directoryExtra = ZipExtra.removing([ZipExtra.zip64], from: extra)
    }
    attributes.comment = Array(bytes[commentStart..<end])
    return ZipMember(
      name: name, method: method, checksum: UInt32(bytes.unsigned32(at: start + 16)),
      byteCount: sizes.byteCount, dataRange: headerOffset..<dataEnd, headerOffset: headerOffset,
      attributes: attributes)
  }

  private func checkedMethod(at start: Int, _ name: String) throws(ZipError) -> ZipMember.Method {
    let flags = bytes.unsigned16(at: start + 8)
    // Encrypted; patched; strongly encrypted; with hidden headers.
    guard flags & (ZipMember.encryptedFlag | 1 << 6 | 1 << 13) == 0 else {
      throw .refused("member '\(name)' is encrypted")
    }
    guard flags & 1 << 5 == 0 else { throw .refused("member '\(name)' is a patch of another file") }
    guard [0, ZipFormat.maximum16].contains(bytes.unsigned16(at: start + 34)) else {
      throw .refused("member '\(name)' is on another disk")
    }
    let number = bytes.unsigned16(at: start + 10)
    guard let method = ZipMember.Method(rawValue: number) else {
      let known = ZipDirectory.methodNames[number].map { " (\($0))" } ?? ""
      throw .refused("member '\(name)' is compressed by method \(number)\(known)")
    }
    return method
  }

  private func attributes(at start: Int) -> ZipMember.Attributes {
    var attributes = ZipMember.Attributes()
    attributes.versionMadeBy = bytes.unsigned16(at: start + 4)
    attributes.versionNeeded = bytes.unsigned16(at: start + 6)
    attributes.flags = bytes.unsigned16(at: start + 8)
    attributes.time = bytes.unsigned16(at: start + 12)
    attributes.date = bytes.unsigned16(at: start + 14)
    attributes.internalAttributes = bytes.unsigned16(at: start + 36)
    attributes.externalAttributes = bytes.unsigned32(at: start + 38)
    return attributes
  }

  /// Methods of compression other than deflate, by PKWARE's list.
  private static let methodNames = [
    1: "shrink", 6: "implode", 9: "deflate64", 10: "implode", 12: "bzip2", 14: "lzma", 93: "zstd",
    95: "xz", 98: "ppmd", 99: "AES encryption",
  ]
}

/// Sizes that may be too large for their old fields.
struct ZipSizes {
  var byteCount: Int
  var storedByteCount: Int
  /// Where the local header is; 0 in a local header itself.
  var headerOffset = 0

  /// Replaces what does not fit into the old fields by what the extra field says.
  mutating func takeLarge(from extra: [UInt8], _ name: String) throws(ZipError) {
    // Most members have none, and sizes that fit.
    if extra.isEmpty && max(byteCount, storedByteCount, headerOffset) < ZipFormat.maximum32 {
      return
    }
    guard let fields = ZipExtra.fields(extra) else {
      throw .damaged("member '\(name)': its extra fields are cut off")
    }
    let large = fields.filter { $0.id == ZipExtra.zip64 }
    guard large.count <= 1 else { throw .damaged("member '\(name)' has two sets of sizes") }
    let bytes = large.first?.bytes ?? []
    var position = 0
    func next(_ old: Int) throws(ZipError) -> Int {
      guard old == ZipFormat.maximum32 else { return old }
      guard position + 8 <= bytes.count, let value = bytes.unsigned64(at: position) else {
        throw .damaged("member '\(name)': a size is missing or too large")
      }
      position += 8
      return value
    }
    byteCount = try next(byteCount)
    storedByteCount = try next(storedByteCount)
    headerOffset = try next(headerOffset)
  }
}
