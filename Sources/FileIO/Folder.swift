import Glibc
public import SystemPackage

/// Folders: listing, making, removing, linking, forcing to the disk.
public enum Folder {
  /// The names in a folder, sorted, without `.` and `..`.
  ///
  /// Names that are not UTF-8 come with replacement characters: for comparing, not for opening.
  ///
  /// - Throws: `FileError`.
  public static func names(in path: FilePath) throws(FileError) -> [String] {
    try components(in: path).map(\.string)
  }

  /// The names in a folder as they are, sorted.
  ///
  /// - Throws: `FileError`.
  public static func components(in path: FilePath) throws(FileError) -> [FilePath.Component] {
    guard let stream = unsafe path.withPlatformString({ unsafe opendir($0) }) else {
      throw FileError(.list, path, errno: Errno(rawValue: errno))
    }
    defer { unsafe closedir(stream) }
    var components: [FilePath.Component] = []
    errno = 0
    while let entry = unsafe readdir(stream) {
      let component = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe FilePath.Component(platformString: $0)
        }
      }
      if let component, component.kind == .regular { components.append(component) }
      errno = 0
    }
    guard errno == 0 else { throw FileError(.list, path, errno: Errno(rawValue: errno)) }
    return components.sorted { $0.string < $1.string }
  }

  /// Whether this user may make files in the folder.
  static func isWritable(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, W_OK | X_OK) } == 0
  }

  /// Whether what is at a path is a file that this user may run.
  public static func canRun(_ path: FilePath) -> Bool {
    guard unsafe path.withPlatformString({ unsafe access($0, X_OK) }) == 0 else { return false }
    return FileStatus(of: path)?.kind == .file
  }

  /// Whether nothing is in the folder.
  public static func isEmpty(_ path: FilePath) -> Bool {
    (try? components(in: path).isEmpty) ?? false
  }

  /// Makes a folder in an existing one.
  ///
  /// - Parameter original: the folder whose owner and mode it gets, as far as the system lets.
  public static func create(_ path: FilePath, like original: FileStatus? = nil) throws(FileError) {
    guard unsafe path.withPlatformString({ unsafe mkdir($0, 0o777) }) == 0 else {
      throw FileError(.create, path, errno: Errno(rawValue: errno))
    }
    guard let original else { return }
    unsafe path.withPlatformString { name in
      // A group may be given where an owner may not; the mode comes last because chown clears bits.
      _ = unsafe chown(name, original.owner, uid_t.max)
      _ = unsafe chown(name, uid_t.max, original.group)
      _ = unsafe chmod(name, original.permissions)
    }
  }

  /// Removes a file, or a folder and all that is in it; links are removed, not followed.
  public static func removeAll(_ path: FilePath) {
    guard FileStatus(ofLink: path)?.kind == .folder else { return unlink(path) }
    for component in (try? components(in: path)) ?? [] { removeAll(path.appending(component)) }
    _ = unsafe path.withPlatformString { unsafe rmdir($0) }
  }

  /// Gives `path`, a file or a folder with all that is in it, the second name `other`.
  ///
  /// Files are hard links, so that nothing is copied; what may not be linked is copied. What has the
  /// second name already stays when it is the same file, or when it is not to be replaced.
  static func link(_ path: FilePath, as other: FilePath, replacing: Bool = true) throws(FileError) {
    guard let status = FileStatus(ofLink: path) else { return }
    if status.kind == .folder {
      if FileStatus(ofLink: other) == nil { try create(other, like: status) }
      for component in try components(in: path) {
        try link(
          path.appending(component), as: other.appending(component), replacing: replacing)
      }
      return
    }
    if let present = FileStatus(ofLink: other) {
      if present.identity == status.identity || !replacing { return }
      removeAll(other)
    }
    let result: Int32 = unsafe path.withPlatformString { from in
      unsafe other.withPlatformString { to in unsafe Glibc.link(from, to) == 0 ? 0 : errno }
    }
    if result == 0 { return }
    // The system may refuse links to other people's files.
    guard [EPERM, EMLINK, EXDEV].contains(result), status.kind == .file else {
      throw FileError(.create, other, errno: Errno(rawValue: result))
    }
    try copy(path, status, to: other)
  }

  private static func copy(_ path: FilePath, _ status: FileStatus, to other: FilePath)
    throws(FileError)
  {
    let source = try ReadableFile(path)
    let file = try WritableFile(creating: other, size: source.size, durability: .full)
    try file.fill(from: source)
    file.takeAttributes(of: status)
    try file.finish()
  }

  /// Where a symbolic link leads to.
  static func target(ofLink path: FilePath) throws(FileError) -> FilePath {
    var target = [CChar](repeating: 0, count: 4096)
    let length = unsafe path.withPlatformString { unsafe readlink($0, &target, 4095) }
    guard length > 0 else { throw FileError(.open, path, errno: Errno(rawValue: errno)) }
    return FilePath(platformString: target)
  }

  /// A path that means the same in every working folder.
  public static func absolute(_ path: FilePath) -> FilePath {
    if path.isAbsolute { return path.lexicallyNormalized() }
    var current = [CChar](repeating: 0, count: 4096)
    guard unsafe getcwd(&current, 4096) != nil else { return path }
    return FilePath(platformString: current).pushing(path).lexicallyNormalized()
  }

  /// Copies a file, or a folder with all that is in it, in one step and forced to the disk; what has the name
  /// is replaced.
  ///
  /// - Throws: `FileError`.
  public static func copyAll(_ path: FilePath, to other: FilePath) throws(FileError) {
    let name = other.lastComponent?.string ?? "copy"
    let partial = other.parent.appending(".\(name).imwa-partial")
    removeAll(partial)
    try copyContents(of: path, to: partial)
    if FileStatus(ofLink: other)?.kind == .folder { removeAll(other) }
    let result: Int32 = unsafe partial.withPlatformString { from in
      unsafe other.withPlatformString { to in unsafe rename(from, to) == 0 ? 0 : errno }
    }
    guard result == 0 else {
      removeAll(partial)
      throw FileError(.replace, other, errno: Errno(rawValue: result))
    }
    try synchronize(other.parent)
  }

  private static func copyContents(of path: FilePath, to other: FilePath) throws(FileError) {
    guard let status = FileStatus(of: path) else {
      throw FileError(.open, path, errno: FileStatus.failure(of: path))
    }
    guard status.kind == .folder else { return try copy(path, status, to: other) }
    try create(other)
    for component in try components(in: path) {
      try copyContents(of: path.appending(component), to: other.appending(component))
    }
    try synchronize(other)
  }

  /// A folder that is open to be locked or forced to the disk.
  static func open(_ path: FilePath) throws(FileError) -> FileDescriptor {
    do {
      return try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
    } catch {
      throw FileError(.open, path, errno: error as? Errno)
    }
  }

  /// Waits until the names in an open folder are on the disk; false when the disk did not confirm.
  static func synchronize(_ descriptor: FileDescriptor) -> Bool {
    // Some network file systems cannot synchronise folders; their rename is already safe.
    fsync(descriptor.rawValue) == 0 || errno == EINVAL
  }

  /// Waits until the names in a folder are on the disk.
  ///
  /// - Throws: `FileError`.
  public static func synchronize(_ path: FilePath) throws(FileError) {
    let descriptor = try open(path)
    defer { try? descriptor.close() }
    guard synchronize(descriptor) else {
      throw FileError(.write, path, errno: Errno(rawValue: errno))
    }
  }

  /// Waits until a file's contents are on the disk, or those of all files in a folder and their names.
  ///
  /// - Throws: `FileError`.
  public static func synchronizeAll(_ path: FilePath) throws(FileError) {
    if FileStatus(of: path)?.kind == .folder {
      for component in try components(in: path) { try synchronizeAll(path.appending(component)) }
      return try synchronize(path)
    }
    let failure: Errno?
    do {
      let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
      failure = fsync(file.rawValue) == 0 ? nil : Errno(rawValue: errno)
      try file.close()
    } catch {
      throw FileError(.open, path, errno: error as? Errno)
    }
    if let failure { throw FileError(.write, path, errno: failure) }
  }

  /// Checks that a path leads to a file, or to a folder of files and folders: reading a pipe could last for ever.
  ///
  /// - Throws: `FileError` for anything else.
  public static func checkIsPlain(_ path: FilePath) throws(FileError) {
    switch FileStatus(of: path)?.kind {
    case .file?: return
    case .folder?:
      for component in try components(in: path) { try checkIsPlain(path.appending(component)) }
    case nil: throw FileError(.open, path, errno: FileStatus.failure(of: path))
    default: throw FileError(.open, path, reason: "it is neither a regular file nor a folder")
    }
  }

  /// Whether a path lies in a folder, at any depth, or is that folder; whatever links lead there.
  public static func contains(_ folder: FilePath, _ path: FilePath) -> Bool {
    guard let identity = FileStatus(of: folder)?.identity else { return false }
    var path = absolute(path)
    while true {
      if FileStatus(of: path)?.identity == identity { return true }
      let parent = path.parent
      if parent == path { return false }
      path = parent
    }
  }

  /// Makes a folder and those that it lies in, as far as they are missing.
  ///
  /// - Throws: `FileError`.
  public static func createAll(_ path: FilePath) throws(FileError) {
    if FileStatus(of: path)?.kind == .folder || path.isEmpty { return }
    try createAll(path.parent)
    do {
      try create(path)
    } catch  where error.errno == .fileExists && FileStatus(of: path)?.kind == .folder {
      return
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
