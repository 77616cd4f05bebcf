import CSystemShims
import Glibc
public import SystemPackage

/// Small text files that are read and written whole.
public enum SmallFile {
  /// The most bytes that are read: more is no small file.
  public static let maximumSize = 64 << 20

  /// All bytes; nil when there is no such file.
  ///
  /// - Throws: `FileError`.
  public static func read(_ path: FilePath, maximumSize: Int = maximumSize) throws(FileError)
    -> [UInt8]?
  {
    guard FileStatus(of: path) != nil else { return nil }
    let file = try ReadableFile(path)
    guard file.size <= maximumSize else {
      throw FileError(.read, path, reason: "it has \(file.size) bytes, too many for such a file")
    }
    return try file.bytes(in: 0..<file.size)
  }

  /// All bytes of a file or of a pipe, which is read until its writer closes it.
  ///
  /// - Throws: `FileError`, also when there is nothing at the path.
  public static func readToEnd(_ path: FilePath, maximumSize: Int = maximumSize) throws(FileError)
    -> [UInt8]
  {
    guard FileStatus(of: path)?.kind == .other else {
      if let bytes = try read(path, maximumSize: maximumSize) { return bytes }
      throw FileError(.open, path, errno: FileStatus.failure(of: path))
    }
    do {
      let descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
      defer { try? descriptor.close() }
      var bytes: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      while bytes.count <= maximumSize {
        let count = try unsafe piece.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
        if count == 0 { return bytes }
        bytes += piece[..<count]
      }
    } catch {
      throw FileError(.read, path, errno: error as? Errno)
    }
    throw FileError(
      .read, path, reason: "it has more than \(maximumSize) bytes, too many for such a file")
  }

  /// The last bytes of a file, at most `count`; none when there is no such file.
  public static func tail(_ path: FilePath, count: Int) -> [UInt8] {
    guard let file = try? ReadableFile(path) else { return [] }
    return (try? file.bytes(in: max(0, file.size - count)..<file.size)) ?? []
  }

  /// Puts a file in its place in one step, forced to the disk.
  ///
  /// - Throws: `FileError`, also where something else than a file has the name: a device would be gone.
  public static func write(
    _ bytes: [UInt8], to path: FilePath, durability: Durability = .full
  ) throws(FileError) {
    if let kind = FileStatus(ofLink: path)?.kind, ![.file, .symbolicLink].contains(kind) {
      throw FileError(
        .replace, path,
        reason: kind == .folder ? "it is a folder" : "it is not a regular file",
        hint: "name a file")
    }
    let partial = try writePartial(bytes, path, durability)
    let result: Int32 = unsafe partial.withPlatformString { from in
      unsafe path.withPlatformString { to in unsafe rename(from, to) == 0 ? 0 : errno }
    }
    guard result == 0 else {
      unlink(partial)
      throw FileError(.replace, path, errno: Errno(rawValue: result))
    }
    if durability == .full { try Folder.synchronize(path.parent) }
  }

  /// Makes a file with its contents in one step; false when the name is taken.
  ///
  /// - Throws: `FileError`.
  public static func create(_ path: FilePath, _ bytes: [UInt8]) throws(FileError) -> Bool {
    let partial = try writePartial(bytes, path, .none)
    defer { unlink(partial) }
    return try give(path, to: partial)
  }

  /// Gives a file a name that no other has, whoever else tries at the same time; false when it is taken.
  ///
  /// Some file systems can do it in one way only: those of clusters by a second name, those without second names by
  /// renaming. Where neither can be done, the name is taken first, and has no contents for a moment.
  static func give(_ name: FilePath, to file: FilePath) throws(FileError) -> Bool {
    let result: Int32 = unsafe file.withPlatformString { from in
      unsafe name.withPlatformString { to in
        let failure = unsafe imwa_rename_exclusively(from, to)
        if failure == 0 || failure == EEXIST { return failure }
        if unsafe link(from, to) == 0 { return 0 }
        if errno == EEXIST { return EEXIST }
        let descriptor = unsafe open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return errno }
        close(descriptor)
        return unsafe rename(from, to) == 0 ? 0 : errno
      }
    }
    if result == EEXIST { return false }
    guard result == 0 else { throw FileError(.create, name, errno: Errno(rawValue: result)) }
    return true
  }

  /// Where a file is made before it gets its name: two processes may write the same file.
  static func partial(_ path: FilePath) -> FilePath {
    path.parent.appending(".\(path.lastComponent?.string ?? "file").\(getpid()).imwa-partial")
  }

  private static func writePartial(
    _ bytes: [UInt8], _ path: FilePath, _ durability: Durability
  ) throws(FileError) -> FilePath {
    let partial = partial(path)
    do {
      let file = try FileDescriptor.open(
        partial, .writeOnly, options: [.create, .truncate, .closeOnExec, .noFollow],
        permissions: FilePermissions(rawValue: 0o666))
      defer { try? file.close() }
      try file.writeAll(bytes)
      if durability == .full, fsync(file.rawValue) != 0 { throw Errno(rawValue: errno) }
    } catch {
      unlink(partial)
      throw FileError(.write, path, errno: error as? Errno)
    }
    return partial
  }
}
