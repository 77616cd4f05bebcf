import Glibc
public import SystemPackage

/// A text file that only grows, whose lines are on the disk when adding them returns.
public final class AppendOnlyFile: Sendable {
  /// Where it is.
  public let path: FilePath
  private let descriptor: FileDescriptor

  /// Opens or creates a file; a last line that was not written to its end, as a power cut may leave it, goes.
  ///
  /// - Throws: `FileError`.
  public init(_ path: FilePath) throws(FileError) {
    self.path = path
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .append, .closeOnExec, .noFollow],
        permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
    let bytes = try SmallFile.read(path) ?? []
    let length = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    if length < bytes.count, ftruncate(descriptor.rawValue, length) != 0 {
      throw FileError(.write, path, errno: Errno(rawValue: errno))
    }
    try Folder.synchronize(path.parent)
  }

  /// Creates a file that is empty, also when there was another.
  ///
  /// - Throws: `FileError`.
  public init(replacing path: FilePath) throws(FileError) {
    self.path = path
    do {
      descriptor = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .append, .closeOnExec, .noFollow],
        permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
  }

  deinit { try? descriptor.close() }

  /// Adds a text and waits until it is on the disk.
  ///
  /// - Throws: `FileError`.
  public func append(_ text: String) throws(FileError) {
    try append(Array(text.utf8))
    guard fdatasync(descriptor.rawValue) == 0 else {
      throw FileError(.write, path, errno: Errno(rawValue: errno))
    }
  }

  /// Adds bytes, which the system writes when it likes.
  ///
  /// - Throws: `FileError`.
  public func append(_ bytes: [UInt8]) throws(FileError) {
    do {
      try descriptor.writeAll(bytes)
    } catch {
      throw FileError(.write, path, errno: error as? Errno)
    }
  }
}
