import Glibc
public import SystemPackage

/// A lock on a file that one process at a time holds: it goes with its owner and is not inherited.
public final class OwnerLock: Sendable {
  /// Where it is.
  public let path: FilePath
  private let descriptor: FileDescriptor

  /// Takes the lock and notes in the file who has it; nil when another process holds it.
  ///
  /// - Throws: `FileError`.
  public init?(_ path: FilePath, note: String) throws(FileError) {
    self.path = path
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec, .noFollow],
        permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
    if flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 {
      if errno == EWOULDBLOCK { return nil }
      throw FileError(
        .create, path, reason: "the file system has no locks",
        hint: "keep the run on another file system")
    }
    do {
      _ = ftruncate(descriptor.rawValue, 0)
      try descriptor.writeAll(toAbsoluteOffset: 0, Array(note.utf8))
    } catch {
      throw FileError(.write, path, errno: error as? Errno)
    }
  }

  deinit { try? descriptor.close() }
}
