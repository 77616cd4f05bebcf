import CSystemShims
import Glibc
public import SystemPackage
public import TensorCore

/// Whether results are forced to the disk before they take their place.
public enum Durability: String, Sendable, Hashable, CaseIterable {
  /// Files and folders are synchronised: the result survives a power cut.
  case full
  /// The system writes when it likes: for scratch files.
  case none
}

/// A new file of a known size that several threads fill.
public final class WritableFile: Sendable {
  /// Where it is.
  public let path: FilePath

  private let descriptor: FileDescriptor
  private let durability: Durability

  /// Creates a file and reserves its blocks, so that a full disk is noticed now.
  ///
  /// - Throws: `FileError` when it exists, may not be created, or the disk is too full.
  public init(creating path: FilePath, size: Int, durability: Durability) throws(FileError) {
    self.path = path
    self.durability = durability
    do {
      // The mask of the process takes away what the user does not want to give.
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
        permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
    do {
      try reserve(size)
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Opens a file that exists, to change some of its bytes.
  ///
  /// - Throws: `FileError`.
  public init(updating path: FilePath) throws(FileError) {
    self.path = path
    durability = .none
    do {
      descriptor = try FileDescriptor.open(path, .readWrite, options: [.closeOnExec, .noFollow])
    } catch {
      throw FileError(.write, path, errno: error as? Errno)
    }
  }

  /// Reserves the blocks of a file of this size.
  ///
  /// - Throws: `FileError` when the disk is too full.
  public func reserve(_ size: Int) throws(FileError) {
    let result = size > 0 ? imwa_preallocate(descriptor.rawValue, Int64(size)) : 0
    // File systems without preallocation fill up as blocks are written.
    guard [0, EOPNOTSUPP, ENOSYS, EINVAL].contains(result) else {
      throw FileError(.write, path, errno: Errno(rawValue: result))
    }
  }

  deinit { try? descriptor.close() }

  /// Takes the lock that tells other processes that this file is being written.
  func lock() -> StagingLock.Outcome { StagingLock.lock(descriptor) }

  /// Writes `range` of `buffer` at `offset`, and starts to bring it to the disk.
  ///
  /// - Throws: `FileError`.
  public func write(_ range: Range<Int>, of buffer: ByteBuffer, at offset: Int)
    throws(FileError)
  {
    let result = unsafe buffer.withUnsafeBytes(in: range) { memory in
      Result { [descriptor] in
        unsafe try descriptor.writeAll(
          toAbsoluteOffset: Int64(offset), UnsafeRawBufferPointer(memory))
      }
    }
    if case .failure(let error) = result {
      throw FileError(.write, path, errno: error as? Errno)
    }
    if durability == .full {
      // Only a head start for `finish`, which reports what goes wrong.
      _ = imwa_start_writeback(descriptor.rawValue, Int64(offset), Int64(range.count))
    }
  }

  /// Gives the file the owner and mode of the file that it will replace.
  func takeAttributes(of status: FileStatus) {
    // Only root can give files away, but a group may often be given. The mode comes last: chown clears bits.
    _ = fchown(descriptor.rawValue, status.owner, gid_t.max)
    _ = fchown(descriptor.rawValue, uid_t.max, status.group)
    _ = fchmod(descriptor.rawValue, status.permissions)
  }

  /// Copies all of another file to the start of this one.
  ///
  /// - Throws: `FileError`.
  public func fill(from source: ReadableFile) throws(FileError) {
    let buffer = ByteBuffer(count: min(source.size, 1 << 20))
    for start in stride(from: 0, to: source.size, by: max(buffer.count, 1)) {
      let count = min(buffer.count, source.size - start)
      try source.read(at: start, count: count, into: buffer, at: 0)
      try write(0..<count, of: buffer, at: start)
    }
  }

  /// The same file for reading, whether it has a name or not.
  func reopened(label: String) throws(FileError) -> ReadableFile {
    try ReadableFile(FilePath("/proc/self/fd/\(descriptor.rawValue)"), label: label)
  }

  /// Writes bytes at `offset`.
  ///
  /// - Throws: `FileError`.
  public func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    let buffer = ByteBuffer(count: bytes.count)
    buffer.copy(from: bytes, range: 0..<bytes.count, to: 0)
    try write(0..<bytes.count, of: buffer, at: offset)
  }

  /// Waits until the contents are on the disk, when that is asked for.
  ///
  /// - Throws: `FileError`.
  public func finish() throws(FileError) {
    guard durability == .full else {
      // Network file systems tell of failed writes when a descriptor is closed, which any will do.
      do {
        try descriptor.duplicate().close()
      } catch {
        throw FileError(.write, path, errno: error as? Errno)
      }
      return
    }
    guard fsync(descriptor.rawValue) == 0 else {
      throw FileError(.write, path, errno: Errno(rawValue: errno))
    }
  }
}

/// Removes a file if it is there.
func unlink(_ path: FilePath) {
  _ = unsafe path.withPlatformString { unsafe Glibc.unlink($0) }
}
