/// A member of an archive, as the central directory describes it.
public struct ZipMember: Sendable, Hashable {
  /// How the data are stored.
  public enum Method: Int, Sendable, Hashable {
    /// As they are.
    case stored = 0
    /// Compressed.
    case deflated = 8
  }

  /// What only matters when a member is carried over to another archive.
  public struct Attributes: Sendable, Hashable {
    var versionMadeBy = 20
    var versionNeeded = 20
    var flags = ZipMember.utf8Flag
    var time = 0
    /// 1980-01-01.
    var date = 0x21
    var internalAttributes = 0
    var externalAttributes = 0
    /// Extra fields of the central directory and of the local header, without those for large sizes.
    var directoryExtra: [UInt8] = []
    var localExtra: [UInt8] = []
    var comment: [UInt8] = []

    /// Those of new members: nothing of a system, a user or a time.
    public init() {}
  }

  static let encryptedFlag = 0x0001
  static let descriptorFlag = 0x0008
  static let utf8Flag = 0x0800

  /// The name. It is text, never a path: names with which a path would leave its folder are refused.
  public let name: String
  /// How the data are stored.
  public let method: Method
  /// The CRC-32 of the data.
  public let checksum: UInt32
  /// The number of bytes of the data, as declared.
  public let byteCount: Int
  /// Where the data are in the file, as they are stored. For a stored member, this is the data.
  public internal(set) var dataRange: Range<Int>

  /// The first byte of the local header in the file.
  let headerOffset: Int
  var attributes: Attributes

  /// The number of bytes that the data take in the file.
  public var storedByteCount: Int { dataRange.count }

  /// Whether it stands for a folder.
  public var isFolder: Bool { name.utf8.last == UInt8(ascii: "/") }
}
