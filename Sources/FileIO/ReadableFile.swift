import Synchronization
public import SystemPackage
public import TensorCore

/// A regular file that is open for reading at any place, by several threads at once.
///
/// The file stays the one that was opened when another takes its name, and is closed with the last
/// reference.
public final class ReadableFile: ByteSource {
  /// The path it was opened with.
  public let path: FilePath
  /// The path, for messages.
  public let label: String
  /// Its size when it was opened.
  public let size: Int
  /// Which file it is.
  public let identity: FileStatus.Identity

  private let descriptor: FileDescriptor
  private let version: FileStatus.Version
  private let digestOfReads = Mutex<DigestOfReads?>(nil)

  /// Opens a file, following symbolic links.
  ///
  /// - Parameter label: what to call it in messages; nil for its path.
  /// - Throws: `FileError` when it is missing, may not be read, or is not a regular file.
  public init(_ path: FilePath, label: String? = nil) throws(FileError) {
    // Opening a named pipe would wait for a writer; it is not a checkpoint in any case.
    guard let status = FileStatus(of: path) else {
      throw FileError(.open, path, errno: FileStatus.failure(of: path))
    }
    guard status.kind == .file else {
      throw FileError(
        .open, path,
        reason: status.kind == .folder ? "it is a folder" : "it is not a regular file")
    }
    do {
      descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
    } catch {
      throw FileError(.open, path, errno: error as? Errno)
    }
    self.path = path
    self.label = label ?? path.string
    let opened = FileStatus(of: descriptor) ?? status
    self.size = opened.size
    self.identity = opened.identity
    self.version = opened.version
  }

  deinit { try? descriptor.close() }

  /// Fills `count` bytes of `buffer` from `position` on with the bytes from `offset` on.
  ///
  /// - Throws: `FileError` when reading fails or the file ends before.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int)
    throws(FileError)
  {
    try unsafe buffer.withUnsafeBytes(in: position..<position + count) { memory throws(FileError) in
      try unsafe fill(memory, from: offset)
      if let digest = digestOfReads.withLock({ $0 }) {
        try digest.add(unsafe Array(memory), at: offset, reading: unobservedBytes)
      }
    }
  }

  private func fill(_ memory: UnsafeMutableRawBufferPointer, from offset: Int) throws(FileError) {
    var done = 0
    while done < memory.count {
      let read: Int
      do {
        read = try unsafe descriptor.read(
          fromAbsoluteOffset: Int64(offset + done),
          into: UnsafeMutableRawBufferPointer(rebasing: memory[done...]))
      } catch {
        throw FileError(.read, path, errno: error as? Errno)
      }
      guard read > 0 else {
        throw FileError(
          .read, path, reason: "the file ends at byte \(offset + done) of \(size)",
          hint: "it was changed while it was being read")
      }
      done += read
    }
  }

  /// Sums up all that is read from now on, for `sha256AsRead`.
  public func observeReads() { digestOfReads.withLock { $0 = DigestOfReads() } }

  /// The SHA-256 of the contents as they were read since `observeReads`, in hexadecimal digits.
  ///
  /// Nothing is read twice for it, but for what was read before; what nobody has read is read now.
  ///
  /// - Throws: `FileError`.
  public func sha256AsRead() throws(FileError) -> String {
    let digest = digestOfReads.withLock { $0 } ?? DigestOfReads()
    return try digest.finish(size: size, reading: unobservedBytes)
  }

  private func unobservedBytes(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    do {
      return try unsafe [UInt8](unsafeUninitializedCapacity: range.count) { memory, count in
        try unsafe fill(UnsafeMutableRawBufferPointer(memory), from: range.lowerBound)
        count = range.count
      }
    } catch let error as FileError {
      throw error
    } catch {
      throw FileError(.read, path, errno: error as? Errno)
    }
  }

  /// Checks that the file was not written to since it was opened.
  ///
  /// - Throws: `FileError`.
  public func checkUnchanged() throws(FileError) {
    guard FileStatus(of: descriptor)?.version == version else {
      throw FileError(
        .read, path, reason: "it was changed while it was being read",
        hint: "wait until it is complete, and run again")
    }
  }

  /// Calls `body` with the open file's descriptor, which must not be kept.
  public func withDescriptor<Result, Failure: Error>(
    _ body: (Int32) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(descriptor.rawValue)
  }

  /// The bytes of `range`.
  ///
  /// - Throws: `FileError` when reading fails or the file ends before.
  public func bytes(in range: Range<Int>) throws(FileError) -> [UInt8] {
    let bytes = try unobservedBytes(range)
    if let digest = digestOfReads.withLock({ $0 }) {
      try digest.add(bytes, at: range.lowerBound, reading: unobservedBytes)
    }
    return bytes
  }
}
