import Glibc
import Synchronization
public import SystemPackage

/// A file that only grows, in pieces that are there as a whole or not at all.
///
/// A piece that a full disk lets through in part is taken back; until that worked, nothing is added.
public final class AppendOnlyFile: Sendable {
  /// Where it is.
  public let path: FilePath
  private let descriptor: FileDescriptor
  /// What to do when the file is deleted while it is written.
  private let wayBack: String
  /// The end of the last complete piece.
  private let length: Mutex<Int>

  /// Opens or creates a text file; a last line that was not written to its end, as a power cut may leave it, goes.
  ///
  /// - Parameter wayBack: what to do when the file is deleted while it is written, for messages.
  /// - Throws: `FileError`.
  public init(_ path: FilePath, wayBack: String = "put it back") throws(FileError) {
    self.path = path
    self.wayBack = wayBack
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .append, .closeOnExec, .noFollow],
        permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
    let end = try AppendOnlyFile.endOfLastLine(path)
    length = Mutex(end)
    try takeBack(to: end)
    try Folder.synchronize(path.parent)
  }

  /// Creates a file that is empty, also when there was another.
  ///
  /// - Throws: `FileError`.
  public init(replacing path: FilePath) throws(FileError) {
    self.path = path
    wayBack = "put it back"
    do {
      descriptor = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .append, .closeOnExec, .noFollow],
        permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
    length = Mutex(0)
  }

  deinit { try? descriptor.close() }

  /// Adds a text and waits until it is on the disk.
  ///
  /// - Throws: `FileError`, also when the file at the path is not the one that was opened: what is added to a
  ///   file that has no name any more is lost.
  public func append(_ text: String) throws(FileError) {
    let found = FileStatus(ofLink: path)?.identity
    guard found != nil, found == FileStatus(of: descriptor)?.identity else {
      throw FileError(
        .write, path,
        reason: (found == nil ? "it was deleted" : "another file took its place")
          + " while it was being written",
        hint: wayBack)
    }
    try add(Array(text.utf8), waitsForDisk: true)
  }

  /// Adds bytes, which the system writes when it likes.
  ///
  /// - Throws: `FileError`.
  public func append(_ bytes: [UInt8]) throws(FileError) { try add(bytes, waitsForDisk: false) }

  private func add(_ bytes: [UInt8], waitsForDisk: Bool) throws(FileError) {
    try length.withLock { end throws(FileError) in
      try takeBack(to: end)
      do {
        try descriptor.writeAll(bytes)
        if waitsForDisk, fdatasync(descriptor.rawValue) != 0 { throw Errno(rawValue: errno) }
      } catch {
        // Where that fails, too, the next piece has to do it first.
        _ = ftruncate(descriptor.rawValue, end)
        let isFull = [Errno.noSpace, .diskQuotaExceeded].contains(error as? Errno)
        throw FileError(
          .write, path, errno: error as? Errno,
          hint: isFull ? "free some space; what was written before is kept" : nil)
      }
      end += bytes.count
    }
  }

  /// Removes what is behind the last complete piece.
  private func takeBack(to end: Int) throws(FileError) {
    guard let size = FileStatus(of: descriptor)?.size, size != end else { return }
    guard size > end else {
      throw FileError(
        .write, path, reason: "it has \(size) bytes, but \(end) were written to it",
        hint: "it was cut by another program")
    }
    guard ftruncate(descriptor.rawValue, end) == 0 else {
      throw FileError(.write, path, errno: Errno(rawValue: errno))
    }
  }

  /// The number of bytes up to the last line end, found from behind: such a file may have gigabytes.
  private static func endOfLastLine(_ path: FilePath) throws(FileError) -> Int {
    let file = try ReadableFile(path)
    let step = 1 << 16
    var end = file.size
    while end > 0 {
      let start = max(0, end - step)
      if let place = try file.bytes(in: start..<end).lastIndex(of: UInt8(ascii: "\n")) {
        return start + place + 1
      }
      end = start
    }
    return 0
  }
}
