import Glibc
import SystemPackage

/// The lock on what is being built, which tells an attempt under way from an abandoned one.
///
/// It holds as long as the value lives. What is locked is known by its identity: a name may have been taken
/// by another process meanwhile.
final class StagingLock {
  /// How a try to lock ended.
  enum Outcome {
    /// The lock is held.
    case locked(StagingLock)
    /// Another process holds it.
    case busy
    /// The file system has no locks.
    case unsupported
  }

  private let descriptor: FileDescriptor
  private let ownsDescriptor: Bool
  let identity: FileStatus.Identity?

  private init(_ descriptor: FileDescriptor, ownsDescriptor: Bool) {
    self.descriptor = descriptor
    self.ownsDescriptor = ownsDescriptor
    identity = FileStatus(of: descriptor)?.identity
  }

  deinit { if ownsDescriptor { try? descriptor.close() } }

  /// Tries to lock an open file, which stays open for its owner.
  static func lock(_ descriptor: FileDescriptor) -> Outcome {
    attempt(StagingLock(descriptor, ownsDescriptor: false))
  }

  /// Tries to lock what is at `path`.
  static func lock(_ path: FilePath, isFolder: Bool) throws(FileError) -> Outcome {
    do {
      // Network file systems lock only what is open for writing, which folders cannot be.
      let descriptor = try FileDescriptor.open(
        path, isFolder ? .readOnly : .readWrite, options: [.closeOnExec, .noFollow, .nonBlocking])
      return attempt(StagingLock(descriptor, ownsDescriptor: true))
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
  }

  /// Whether the name still belongs to what is locked.
  func isHeld(on path: FilePath) -> Bool {
    identity != nil && FileStatus(ofLink: path)?.identity == identity
  }

  private static func attempt(_ lock: StagingLock) -> Outcome {
    if flock(lock.descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 { return .locked(lock) }
    return errno == EWOULDBLOCK ? .busy : .unsupported
  }
}
