/// Little-endian numbers at places of a record; the caller has checked that they are there.
extension [UInt8] {
  func unsigned16(at position: Int) -> Int {
    Int(self[position]) | Int(self[position + 1]) << 8
  }

  func unsigned32(at position: Int) -> Int {
    unsigned16(at: position) | unsigned16(at: position + 2) << 16
  }

  /// A size or offset; nil when it is too large for any file.
  func unsigned64(at position: Int) -> Int? {
    let high = unsigned32(at: position + 4)
    return high >= 1 << 31 ? nil : unsigned32(at: position) | high << 32
  }

  func hasSignature(_ signature: ZipSignature, at position: Int) -> Bool {
    unsigned32(at: position) == signature.rawValue
  }

  mutating func append16(_ value: Int) {
    append(UInt8(truncatingIfNeeded: value))
    append(UInt8(truncatingIfNeeded: value >> 8))
  }

  mutating func append32(_ value: Int) {
    append16(value)
    append16(value >> 16)
  }

  mutating func append64(_ value: Int) {
    append32(value)
    append32(value >> 32)
  }

  mutating func append(_ signature: ZipSignature) { append32(signature.rawValue) }
}

/// How records begin.
enum ZipSignature: Int {
  case localHeader = 0x0403_4B50
  case directoryEntry = 0x0201_4B50
  case endRecord = 0x0605_4B50
  case zip64EndRecord = 0x0606_4B50
  case zip64Locator = 0x0706_4B50
}

/// The fixed parts of records, without names and what follows them; and the largest numbers of old fields.
enum ZipFormat {
  static let localHeaderSize = 30
  static let directoryEntrySize = 46
  static let endRecordSize = 22
  static let zip64LocatorSize = 20
  static let zip64EndRecordSize = 56
  /// In a field of 16 or 32 bits: the number is in a ZIP64 record.
  static let maximum16 = 0xFFFF
  static let maximum32 = 0xFFFF_FFFF
}

/// The kinds of extra fields that matter.
enum ZipExtra {
  static let zip64 = 0x0001
  static let unicodePath = 0x7075
  /// PyTorch's padding: the letters FB.
  static let padding = 0x4246

  /// The fields in the extra bytes of a record, in their order; nil when one is cut off.
  ///
  /// Up to three bytes at the end belong to no field: some tools pad so.
  static func fields(_ extra: [UInt8]) -> [(id: Int, bytes: [UInt8])]? {
    var fields: [(id: Int, bytes: [UInt8])] = []
    var position = 0
    while position + 4 <= extra.count {
      let end = position + 4 + extra.unsigned16(at: position + 2)
      guard end <= extra.count else { return nil }
      fields.append((extra.unsigned16(at: position), Array(extra[position + 4..<end])))
      position = end
    }
    return fields
  }

  /// Whether the extra bytes at a place of a header are nothing but PyTorch's padding; most are, and need no list.
  static func isPadding(_ range: Range<Int>, of header: [UInt8]) -> Bool {
    var position = range.lowerBound
    while position + 4 <= range.upperBound, header.unsigned16(at: position) == padding {
      position += 4 + header.unsigned16(at: position + 2)
    }
    return position == range.upperBound
  }

  /// The extra bytes without the fields of some kinds.
  static func removing(_ ids: [Int], from extra: [UInt8]) -> [UInt8] {
    var kept: [UInt8] = []
    for field in fields(extra) ?? [] where !ids.contains(field.id) {
      kept.append16(field.id)
      kept.append16(field.bytes.count)
      kept += field.bytes
    }
    return kept
  }
}
