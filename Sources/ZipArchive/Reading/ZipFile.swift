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
    try self.init(ZipListing(source, size: size))
  }

  /// Opens an archive, and does work with some of its members while all others are checked.
  ///
  /// - Returns: the archive, and what came of the work.
  /// - Throws: `ZipError`, and what the source throws.
  package static func open<Value: Sendable>(
    _ source: any ByteSource, size: Int, besides work: @Sendable (ZipListing) throws -> Value
  ) throws -> (ZipFile, Result<Value, any Error>) {
    let listing = try ZipListing(source, size: size)
    let (result, zip) = try concurrently(
      { Result { try work(listing) } }, { try ZipFile(listing) })
    return (zip, result)
  }

  private init(_ listing: ZipListing) throws {
    file = listing.source
    members = try ZipLocalHeaders.checked(
      listing.members, in: file, end: listing.end.directoryRange.lowerBound)
    source = CheckedMemberBytes(file, members: members)
    comment = listing.end.comment
    prefixByteCount = listing.end.prefixByteCount
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

/// The members of an archive as its central directory lists them.
package struct ZipListing: Sendable {
  fileprivate let source: any ByteSource
  fileprivate let end: ZipEndRecord
  fileprivate let members: [ZipMember]

  fileprivate init(_ source: any ByteSource, size: Int) throws {
    self.source = source
    end = try ZipEndRecord(source, size: size)
    // What is made of a member, here and by formats: tens of thousands are not rare.
    CurrentProcess.reserveMemory(end.memberCount * 1200)
    members = try ZipDirectory.members(in: source, end)
  }

  /// The name of the first member.
  package var firstName: String? { members.first?.name }

  /// All data of the member with a name, whose header is checked as those of all members are; nil without one.
  ///
  /// - Throws: as `ZipFile.bytes(of:limit:)` does.
  package func bytes(named name: String, limit: Int) throws -> [UInt8]? {
    guard let member = members.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      return nil
    }
    let end = end.directoryRange.lowerBound
    return try ZipLocalHeaders.checked([member], in: source, end: end)[0]
      .bytes(in: source, limit: limit)
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
