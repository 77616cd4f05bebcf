import FileIO
public import TensorCore

/// A ZIP archive that is open for reading.
///
/// Everything is checked when it is opened: that numbers add up, that central directory and local headers agree, that
/// members lie in the file, do not overlap and have different names. Only the data of members are not read yet.
/// Source: PKWARE's APPNOTE 6.3.10.
public struct ZipFile: Sendable {
  /// The file. What is read of stored members is summed up: `checkUnchanged` compares their checksums.
  public let source: any ByteSource
  /// The members in the order of the central directory.
  public let members: [ZipMember]
  /// The comment at the end.
  public let comment: [UInt8]
  /// The number of bytes before the archive: of a program that unpacks itself.
  public let prefixByteCount: Int

  /// The file alone.
  let file: any ByteSource
  private let positions: [ExactString: Int]

  /// Reads the central directory and the local headers.
  ///
  /// - Parameter size: the number of bytes of the source.
  /// - Throws: `ZipError`, and what the source throws.
  public init(_ source: any ByteSource, size: Int) throws {
    let end = try ZipEndRecord(source, size: size)
    // What is made of a member, here and by formats: tens of thousands are not rare.
    CurrentProcess.reserveMemory(end.memberCount * 1200)
    var members = try ZipDirectory.members(in: source, end)
    try ZipLocalHeaders.check(&members, in: source, end: end.directoryRange.lowerBound)
    file = source
    self.source = CheckedMemberBytes(source, members: members)
    self.members = members
    comment = end.comment
    prefixByteCount = end.prefixByteCount
    var positions: [ExactString: Int] = [:]
    positions.reserveCapacity(members.count)
    for (index, member) in members.enumerated() {
      guard positions.updateValue(index, forKey: ExactString(member.name)) == nil else {
        throw ZipError.refused("two members have the name '\(member.name)'")
      }
    }
    self.positions = positions
  }

  /// The member of this name; names are equal when their bytes are.
  public subscript(name: String) -> ZipMember? {
    positions[ExactString(name)].map { members[$0] }
  }
}

extension ByteSource {
  /// A small part of the source.
  func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    let buffer = ByteBuffer(count: count)
    try read(at: offset, count: count, into: buffer, at: 0)
    return buffer.bytes(in: 0..<count)
  }
}
