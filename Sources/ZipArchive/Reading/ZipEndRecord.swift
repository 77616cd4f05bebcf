import TensorCore

/// The end of an archive: where the central directory is.
struct ZipEndRecord {
  /// How many members there are.
  var memberCount = 0
  /// Where the central directory is in the file.
  var directoryRange = 0..<0
  /// The number of bytes before the archive, which its offsets do not count.
  var prefixByteCount = 0
  /// The comment at the end.
  var comment: [UInt8] = []

  /// Some 800,000 members; what has more is an attack.
  private static let maximumDirectorySize = 64 << 20

  private let source: any ByteSource
  /// The record itself, and its place in the file.
  private var record: [UInt8] = []
  private var position = 0

  /// Finds the record and, when there is one, the larger record of ZIP64.
  ///
  /// - Throws: `ZipError`, and what the source throws.
  init(_ source: any ByteSource, size: Int) throws {
    self.source = source
    try find(size: size)
    let old = Numbers(endRecord: record)
    if let locator = try zip64Locator() {
      try takeNumbers(of: old, zip64: locator)
    } else {
      guard old.size != ZipFormat.maximum32, old.offset != ZipFormat.maximum32 else {
        throw ZipError.damaged("the ZIP64 end record is missing")
      }
      try take(old, directoryEnd: position)
    }
  }

  /// The numbers of either record.
  private struct Numbers {
    var disks: [Int]
    var countOnDisk: Int
    var count: Int
    var size: Int
    var offset: Int

    init(endRecord record: [UInt8]) {
      disks = [record.unsigned16(at: 4), record.unsigned16(at: 6)]
      countOnDisk = record.unsigned16(at: 8)
      count = record.unsigned16(at: 10)
      size = record.unsigned32(at: 12)
      offset = record.unsigned32(at: 16)
    }

    init?(zip64Record record: [UInt8]) {
      disks = [record.unsigned32(at: 16), record.unsigned32(at: 20)]
      guard let countOnDisk = record.unsigned64(at: 24), let count = record.unsigned64(at: 32),
        let size = record.unsigned64(at: 40), let offset = record.unsigned64(at: 48)
      else { return nil }
      self.countOnDisk = countOnDisk
      self.count = count
      self.size = size
      self.offset = offset
    }

    /// Whether these, of the old record, say the same as others or leave it to them.
    func agree(with large: Numbers) -> Bool {
      let small = zip(
        disks + [countOnDisk, count], large.disks + [large.countOnDisk, large.count])
      let sizes = [(size, large.size), (offset, large.offset)]
      return small.allSatisfy { $0 == ZipFormat.maximum16 || $0 == $1 }
        && sizes.allSatisfy { $0 == ZipFormat.maximum32 || $0 == $1 }
    }
  }

  /// The record ends the file, but for its comment, which might hold another one: readers would differ.
  private mutating func find(size: Int) throws {
    let count = min(size, ZipFormat.endRecordSize + ZipFormat.maximum16)
    guard count >= ZipFormat.endRecordSize else {
      throw ZipError(.notZip, "not a ZIP archive: it has only \(size) bytes")
    }
    let tail = try source.bytes(at: size - count, count: count)
    let last = count - ZipFormat.endRecordSize
    let found = (0...last).filter { start in
      tail[start] == UInt8(ascii: "P") && tail.hasSignature(.endRecord, at: start)
        && tail.unsigned16(at: start + 20) == last - start
    }
    guard let start = found.first else {
      throw ZipError(
        .notZip, "not a ZIP archive, or cut off: it has no end record",
        hint: "if it should be one, download or copy it again, and compare its size")
    }
    guard found.count == 1 else {
      throw ZipError.refused("its comment holds another end record")
    }
    record = Array(tail[start..<start + ZipFormat.endRecordSize])
    comment = Array(tail[(start + ZipFormat.endRecordSize)...])
    position = size - count + start
  }

  private func zip64Locator() throws -> [UInt8]? {
    guard position >= ZipFormat.zip64LocatorSize + ZipFormat.zip64EndRecordSize else { return nil }
    let bytes = try source.bytes(
      at: position - ZipFormat.zip64LocatorSize, count: ZipFormat.zip64LocatorSize)
    return bytes.hasSignature(.zip64Locator, at: 0) ? bytes : nil
  }

  private mutating func takeNumbers(of old: Numbers, zip64 locator: [UInt8]) throws {
    let end = position - ZipFormat.zip64LocatorSize
    guard locator.unsigned32(at: 4) == 0, locator.unsigned32(at: 16) <= 1 else {
      throw ZipError.refused("it is spread over several disks")
    }
    // The offset that the locator gives does not count a prefix, and what could follow the record is not in use.
    let place = end - ZipFormat.zip64EndRecordSize
    let bytes = try source.bytes(at: place, count: ZipFormat.zip64EndRecordSize)
    guard bytes.hasSignature(.zip64EndRecord, at: 0), bytes.unsigned64(at: 4) == end - place - 12
    else { throw ZipError.damaged("the ZIP64 end record is missing") }
    guard let numbers = Numbers(zip64Record: bytes) else {
      throw ZipError.damaged("a number is too large")
    }
    guard old.agree(with: numbers) else {
      throw ZipError.damaged("the two end records disagree")
    }
    try take(numbers, directoryEnd: place)
    guard place - prefixByteCount == locator.unsigned64(at: 8) else {
      throw ZipError.damaged("the ZIP64 end record is not where it should be")
    }
  }

  private mutating func take(_ numbers: Numbers, directoryEnd: Int) throws {
    guard numbers.disks == [0, 0], numbers.countOnDisk == numbers.count else {
      throw ZipError.refused("it is spread over several disks")
    }
    guard numbers.size <= directoryEnd, numbers.offset <= directoryEnd - numbers.size else {
      throw ZipError.damaged("the central directory does not lie before its end record")
    }
    guard numbers.size <= ZipEndRecord.maximumDirectorySize else {
      throw ZipError(
        .tooLarge,
        "ZIP archive: its central directory has \(numbers.size) bytes, more than any "
          + "checkpoint needs")
    }
    guard numbers.count <= numbers.size / ZipFormat.directoryEntrySize else {
      throw ZipError.damaged("\(numbers.count) members do not fit into its central directory")
    }
    memberCount = numbers.count
    directoryRange = directoryEnd - numbers.size..<directoryEnd
    prefixByteCount = directoryRange.lowerBound - numbers.offset
  }
}
