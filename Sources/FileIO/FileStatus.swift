import Glibc
public import SystemPackage

/// What the system knows of a file.
public struct FileStatus: Sendable {
  /// The kinds that matter here.
  public enum Kind: Sendable, Hashable {
    case file
    case folder
    case symbolicLink
    case other
  }

  /// Which file it is, whatever its path: device and inode.
  public struct Identity: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64
  }

  /// When the contents were changed, and how long they are: other values tell of a change.
  struct Version: Sendable, Hashable {
    let seconds: Int
    let nanoseconds: Int
    let size: Int
  }

  /// What it is.
  public let kind: Kind
  /// Which file it is.
  public let identity: Identity
  /// The size in bytes.
  public let size: Int
  /// When the contents were changed, in seconds since 1970.
  public var modificationTime: Double {
    Double(version.seconds) + Double(version.nanoseconds) / 1e9
  }
  /// The number by which the file system knows the file.
  public var inode: UInt64 { identity.inode }
  /// A text that is another one once the file was changed in any way, or for another file.
  ///
  /// The time of the last change counts, which nobody can set: not even who sets the time of modification back.
  public var versionText: String {
    "\(inode) \(version.size) \(version.seconds).\(version.nanoseconds) \(changeTime)"
  }
  private let changeTime: String
  let version: Version
  let permissions: mode_t
  let owner: uid_t
  let group: gid_t

  /// The status of `path`, of what it points to when it is a symbolic link; nil when there is none.
  public init?(of path: FilePath) {
    var record = stat()
    let result = unsafe path.withPlatformString { unsafe stat($0, &record) }
    guard result == 0 else { return nil }
    self.init(record)
  }

  /// The status of `path` itself, also when it is a symbolic link; nil when there is none.
  public init?(ofLink path: FilePath) {
    var record = stat()
    let result = unsafe path.withPlatformString { unsafe lstat($0, &record) }
    guard result == 0 else { return nil }
    self.init(record)
  }

  /// Why there is no status of `path`; nil when there is one.
  public static func failure(of path: FilePath) -> Errno? {
    var record = stat()
    let result: Int32 = unsafe path.withPlatformString { unsafe stat($0, &record) == 0 ? 0 : errno }
    return result == 0 ? nil : Errno(rawValue: result)
  }

  /// The status of an open file.
  init?(of descriptor: FileDescriptor) {
    var record = stat()
    guard unsafe fstat(descriptor.rawValue, &record) == 0 else { return nil }
    self.init(record)
  }

  private init(_ record: stat) {
    switch record.st_mode & S_IFMT {
    case S_IFREG: kind = .file
    case S_IFDIR: kind = .folder
    case S_IFLNK: kind = .symbolicLink
    default: kind = .other
    }
    identity = Identity(device: UInt64(record.st_dev), inode: UInt64(record.st_ino))
    size = Int(record.st_size)
    version = Version(
      seconds: record.st_mtim.tv_sec, nanoseconds: record.st_mtim.tv_nsec,
      size: Int(record.st_size))
    changeTime = "\(record.st_ctim.tv_sec).\(record.st_ctim.tv_nsec)"
    permissions = record.st_mode & 0o7777
    owner = record.st_uid
    group = record.st_gid
  }
}
