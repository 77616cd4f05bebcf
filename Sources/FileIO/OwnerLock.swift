import CSystemShims
import Glibc
public import SystemPackage

/// A lock on a file that one process at a time holds: it goes with its owner and is not inherited.
///
/// It is the file that is locked, whatever its name: a copy is not, a moved file is. Processes in other containers
/// and, on file systems that have locks for all machines, on other machines see it.
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
    guard try OwnerLock.lock(descriptor, path) else { return nil }
    // Who has the lock is told where there is room for it; the lock holds on a full disk, too.
    if (try? descriptor.writeAll(toAbsoluteOffset: 0, Array(note.utf8))) != nil {
      _ = ftruncate(descriptor.rawValue, note.utf8.count)
    }
  }

  /// Makes a file that is locked from the first moment that it has its name; nil when the name is taken.
  ///
  /// - Parameter contents: what is in it, for the number by which the file system knows the file.
  /// - Throws: `FileError`.
  public init?(creating path: FilePath, contents: (_ inode: UInt64) -> String) throws(FileError) {
    self.path = path
    let partial = SmallFile.partial(path)
    do {
      descriptor = try FileDescriptor.open(
        partial, .readWrite, options: [.create, .truncate, .closeOnExec, .noFollow],
        permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw FileError(.create, partial, errno: error as? Errno)
    }
    defer { unlink(partial) }
    guard try OwnerLock.lock(descriptor, path) else { return nil }
    do {
      let inode = FileStatus(of: descriptor)?.inode ?? 0
      try descriptor.writeAll(Array(contents(inode).utf8))
    } catch {
      throw FileError(.write, path, errno: error as? Errno)
    }
    guard try SmallFile.give(path, to: partial) else { return nil }
  }

  private static func lock(_ descriptor: FileDescriptor, _ path: FilePath) throws(FileError) -> Bool
  {
    switch imwa_lock_file(descriptor.rawValue) {
    case 0: return true
    case EAGAIN: return false
    default:
      throw FileError(
        .create, path, reason: "the file system has no locks",
        hint: "keep the run on another file system")
    }
  }

  deinit { try? descriptor.close() }

  /// Changes the time of the file, for those that do not see the lock.
  public func touch() { _ = futimens(descriptor.rawValue, nil) }

  /// Whether a process holds the lock on a file; nil when that cannot be found out.
  public static func isHeld(_ path: FilePath) -> Bool? {
    guard
      let descriptor = try? FileDescriptor.open(
        path, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking])
    else { return FileStatus.failure(of: path) == .noSuchFileOrDirectory ? false : nil }
    defer { try? descriptor.close() }
    let answer = imwa_is_file_locked(descriptor.rawValue)
    return answer < 0 ? nil : answer == 1
  }
}
