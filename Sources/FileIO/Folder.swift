import Glibc
public import SystemPackage

/// Folders: listing, making, removing, linking, forcing to the disk.
public enum Folder {
  /// The names in a folder, sorted, without `.` and `..`.
  ///
  /// - Throws: `FileError`.
  public static func names(in path: FilePath) throws(FileError) -> [String] {
    guard let stream = unsafe path.withPlatformString({ unsafe opendir($0) }) else {
      throw FileError(.list, path, errno: Errno(rawValue: errno))
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Whether nothing is in the folder.
  public static func isEmpty(_ path: FilePath) -> Bool {
    (try? names(in: path).isEmpty) ?? false
  }

  /// Makes a folder in an existing one.
  ///
  /// - Parameter original: the folder whose owner and mode it gets, as far as the system lets.
  static func create(_ path: FilePath, like original: FileStatus? = nil) throws(FileError) {
    guard unsafe path.withPlatformString({ unsafe mkdir($0, 0o777) }) == 0 else {
      throw FileError(.create, path, errno: Errno(rawValue: errno))
    }
    guard let original else { return }
    unsafe path.withPlatformString { name in
      _ = unsafe chown(name, original.owner, original.group)
      _ = unsafe chmod(name, original.permissions)
    }
  }

  /// Removes a file, or a folder and all that is in it; links are removed, not followed.
  static func removeAll(_ path: FilePath) {
    guard FileStatus(ofLink: path)?.kind == .folder else { return unlink(path) }
    for name in (try? names(in: path)) ?? [] { removeAll(path.appending(name)) }
    _ = unsafe path.withPlatformString { unsafe rmdir($0) }
  }

  /// Gives `path`, a file or a folder with all that is in it, the second name `other`.
  ///
  /// Files are hard links, so that nothing is copied.
  static func link(_ path: FilePath, as other: FilePath) throws(FileError) {
    if let status = FileStatus(ofLink: path), status.kind == .folder {
      try create(other, like: status)
      for name in try names(in: path) {
        try link(path.appending(name), as: other.appending(name))
      }
      return
    }
    let result = unsafe path.withPlatformString { from in
      unsafe other.withPlatformString { to in unsafe Glibc.link(from, to) }
    }
    guard result == 0 else {
      throw FileError(.create, other, errno: Errno(rawValue: errno))
    }
  }

  /// Waits until the names in a folder are on the disk.
  static func synchronize(_ path: FilePath) throws(FileError) {
    do {
      let descriptor = try FileDescriptor.open(
        path, .readOnly, options: [.directory, .closeOnExec])
      defer { try? descriptor.close() }
      // Some network file systems cannot synchronise folders; their rename is already safe.
      guard fsync(descriptor.rawValue) == 0 || errno == EINVAL else { throw Errno(rawValue: errno) }
    } catch {
      throw FileError(.replace, path, errno: error as? Errno)
    }
  }

  /// The bytes that a user may still write on the file system of `path`; nil when it does not say.
  public static func freeSpace(at path: FilePath) -> Int? {
    var record = statvfs()
    guard unsafe path.withPlatformString({ unsafe statvfs($0, &record) }) == 0 else { return nil }
    let (bytes, overflow) = Int(clamping: record.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: record.f_frsize))
    return overflow ? Int.max : bytes
  }
}
