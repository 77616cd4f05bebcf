import TensorCore

/// Reads the local headers, which must say what the central directory says, and finds out where data are.
struct ZipLocalHeaders {
  private let source: any ByteSource
  /// The start of the central directory: members end before it.
  private let end: Int
  /// Part of the file, so that small members do not cost a call each.
  private var window = ByteBuffer(count: 0)
  private var windowRange = 0..<0
  /// The local header that is checked, with its name and extra fields.
  private var header: [UInt8] = []

  private static let windowSize = 64 << 10
  /// So many headers take some milliseconds.
  private static let memberCountOfThread = 4096

  /// The members with the places of their data, by the local headers, each of which is checked.
  ///
  /// - Throws: `ZipError` when one disagrees with the directory, or members overlap; what the source throws.
  static func checked(_ members: [ZipMember], in source: any ByteSource, end: Int) throws
    -> [ZipMember]
  {
    let order = members.indices.sorted { members[$0].headerOffset < members[$1].headerOffset }
    let parts = order.parts(of: memberCountOfThread).map { part in part.map { members[$0] } }
    let checked = try concurrentMap(parts) { part in
      var headers = ZipLocalHeaders(source: source, end: end)
      return try headers.checked(part)
    }
    var members = members
    for (index, member) in zip(order, checked.joined()) { members[index] = member }
    for (first, second) in zip(order, order.dropFirst())
    where members[first].dataRange.upperBound > members[second].headerOffset {
      throw ZipError.refused(
        "members '\(members[first].name)' and '\(members[second].name)' overlap")
    }
    return members
  }

  private mutating func checked(_ members: [ZipMember]) throws -> [ZipMember] {
    var members = members
    let offsets = members.map(\.headerOffset)
    for index in members.indices {
      try check(&members[index], following: offsets[(index + 1)...])
    }
    return members
  }

  private mutating func check(_ member: inout ZipMember, following: ArraySlice<Int>) throws {
    let start = member.headerOffset
    guard start <= end - ZipFormat.localHeaderSize else {
      throw ZipError.damaged(member, "its header lies outside of the file")
    }
    // Most headers have a name like that in the directory, and up to a hundred bytes of padding.
    try load(
      start..<start + ZipFormat.localHeaderSize,
      usually: ZipFormat.localHeaderSize + member.name.utf8.count + 128, following: following)
    let nameStart = ZipFormat.localHeaderSize
    let extraStart = nameStart + header.unsigned16(at: 26)
    let dataStart = start + extraStart + header.unsigned16(at: 28)
    guard header.hasSignature(.localHeader, at: 0), dataStart <= end,
      member.storedByteCount <= end - dataStart
    else { throw ZipError.damaged(member, "it does not lie in the file, or not where it should") }
    member.dataRange = dataStart..<dataStart + member.storedByteCount
    if header.count < dataStart - start {
      try load(start..<dataStart, usually: dataStart - start, following: [])
    }
    let name = header[nameStart..<extraStart]
    guard name.elementsEqual(member.name.utf8) else {
      throw ZipError.refused(
        "member '\(member.name)' is called '\(String(decoding: name, as: UTF8.self))' in its header"
      )
    }
    var extra: [UInt8] = []
    let extraRange = extraStart..<dataStart - start
    if !ZipExtra.isPadding(extraRange, of: header) {
      extra = Array(header[extraRange])
      try ZipName.check(Array(name), against: extra)
      member.attributes.localExtra = ZipExtra.removing(
        [ZipExtra.zip64, ZipExtra.padding], from: extra)
    }
    try compare(extra: extra, with: member)
  }

  /// Sizes and checksum may stand behind the data instead: then the header has zeros.
  private func compare(extra: [UInt8], with member: ZipMember) throws(ZipError) {
    let flags = header.unsigned16(at: 6)
    guard flags & ZipMember.encryptedFlag == 0 else {
      throw .refused("member '\(member.name)' is encrypted")
    }
    guard header.unsigned16(at: 8) == member.method.rawValue else {
      throw .damaged(member, "header and central directory differ in the method of compression")
    }
    var sizes = ZipSizes(
      byteCount: header.unsigned32(at: 22),
      storedByteCount: header.unsigned32(at: 18))
    try sizes.takeLarge(from: extra, member.name)
    let hasDescriptor = flags & ZipMember.descriptorFlag != 0
    func isConsistent(_ found: Int, _ expected: Int) -> Bool {
      found == expected || (hasDescriptor && found == 0)
    }
    guard isConsistent(header.unsigned32(at: 14), Int(member.checksum)),
      isConsistent(sizes.storedByteCount, member.storedByteCount),
      isConsistent(sizes.byteCount, member.byteCount)
    else {
      throw .damaged(member, "header and central directory differ in sizes or checksum")
    }
  }

  /// Takes some bytes for the header, and up to `count` where they are at hand; those of headers that follow closely are
  /// read with them.
  private mutating func load(
    _ range: Range<Int>, usually count: Int, following: ArraySlice<Int>
  ) throws {
    if range.lowerBound < windowRange.lowerBound || range.upperBound > windowRange.upperBound {
      var upperBound = range.upperBound
      for offset in following {
        guard offset < range.lowerBound + ZipLocalHeaders.windowSize else { break }
        upperBound = max(upperBound, min(offset + 256, end))
      }
      // Names and extra fields come right behind the first header.
      upperBound = max(upperBound, min(range.lowerBound + 256, end))
      windowRange = range.lowerBound..<upperBound
      if window.count < windowRange.count { window = ByteBuffer(count: windowRange.count) }
      try source.read(at: range.lowerBound, count: windowRange.count, into: window, at: 0)
    }
    let start = range.lowerBound - windowRange.lowerBound
    let available = min(max(range.count, count), windowRange.upperBound - range.lowerBound)
    header = window.bytes(in: start..<start + available)
  }
}
