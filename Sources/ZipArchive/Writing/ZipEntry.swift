/// A member of an archive that is to be written.
public struct ZipEntry: Sendable, Hashable {
  /// The name.
  public let name: String
  /// How its data are stored.
  public let method: ZipMember.Method
  /// The number of bytes of the data.
  public let byteCount: Int
  /// The number of bytes that the data take in the archive.
  public let storedByteCount: Int
  /// The CRC-32 of the data; nil when it is known after they are written only.
  public let checksum: UInt32?
  /// The data begin at a multiple of this.
  public let alignment: Int

  let attributes: ZipMember.Attributes

  /// A new member with stored data, without system, user and time.
  ///
  /// - Parameter alignment: 64 for PyTorch. Padding is an extra field `FB`, as PyTorch writes it.
  public init(_ name: String, byteCount: Int, checksum: UInt32? = nil, alignment: Int = 1) {
    self.init(
      name, .stored, byteCount: byteCount, storedByteCount: byteCount, checksum: checksum,
      alignment: alignment, attributes: ZipMember.Attributes())
  }

  init(
    _ name: String, _ method: ZipMember.Method, byteCount: Int, storedByteCount: Int,
    checksum: UInt32?, alignment: Int, attributes: ZipMember.Attributes
  ) {
    precondition(byteCount >= 0 && (1...4096).contains(alignment))
    self.name = name
    self.method = method
    self.byteCount = byteCount
    self.storedByteCount = storedByteCount
    // There is nothing to wait for.
    self.checksum = byteCount == 0 ? 0 : checksum
    self.alignment = alignment
    self.attributes = attributes
  }
}

extension ZipFile {
  /// A member of another archive with the same name, attributes and stored data, which are copied from `dataRange`.
  public func entry(copying member: ZipMember, alignment: Int = 1) -> ZipEntry {
    ZipEntry(
      member.name, member.method, byteCount: member.byteCount,
      storedByteCount: member.storedByteCount, checksum: member.checksum, alignment: alignment,
      attributes: attributes(of: member))
  }

  /// A member of another archive with the same name and attributes, but other data, which are stored.
  public func entry(
    replacing member: ZipMember, byteCount: Int, checksum: UInt32? = nil, alignment: Int = 1
  ) -> ZipEntry {
    ZipEntry(
      member.name, .stored, byteCount: byteCount, storedByteCount: byteCount, checksum: checksum,
      alignment: alignment, attributes: attributes(of: member))
  }

  /// What is carried over: sizes are written anew, and before the data.
  private func attributes(of member: ZipMember) -> ZipMember.Attributes {
    var attributes = member.attributes
    attributes.flags &= ~ZipMember.descriptorFlag
    return attributes
  }
}
