public import SystemPackage
public import TensorCore

/// A system call on a file that failed, or a file that is not what is needed.
public struct FileError: DiagnosedError, Hashable {
  /// What was being done.
  public enum Operation: String, Sendable, Hashable {
    case open = "cannot be opened"
    case read = "reading failed"
    case list = "the folder cannot be listed"
    case create = "cannot be created"
    case write = "writing failed"
    case replace = "cannot be put in place"
    case start = "cannot be started"
  }

  /// What was being done.
  public let operation: Operation
  /// The file or folder.
  public let path: FilePath
  /// The system's reason, when a call failed.
  public let errno: Errno?
  /// The reason in words, when no call failed.
  public let reason: String?
  /// The way out.
  public let hint: String?

  init(
    _ operation: Operation, _ path: FilePath, errno: Errno? = nil, reason: String? = nil,
    hint: String? = nil
  ) {
    self.operation = operation
    self.path = path
    self.errno = errno
    self.reason = reason
    self.hint = hint ?? errno.flatMap { FileError.hint(for: $0, operation) }
  }

  /// Writing that failed with a number of the system's.
  public static func write(_ path: FilePath, number: Int32) -> FileError {
    FileError(.write, path, errno: Errno(rawValue: number))
  }

  /// Missing inputs, outputs that cannot be created, and failed reads and writes are told apart.
  public var kind: FailureKind {
    switch operation {
    case .open, .list: isOutOfFiles ? .inputOutput : .missingInput
    case .read, .write: .inputOutput
    case .create, .replace: isFull ? .inputOutput : .cannotCreate
    case .start: .missingInput
    }
  }

  /// `a.h5: cannot be opened: no such file or directory`.
  public var description: String {
    let why = reason ?? errno.map { $0.description.lowercasedFirst }
    return "\(path): \(operation.rawValue)" + (why.map { ": \($0)" } ?? "")
  }

  private var isFull: Bool {
    [Errno.noSpace, .diskQuotaExceeded, .fileTooLarge].contains(errno)
  }

  private var isOutOfFiles: Bool {
    [Errno.tooManyOpenFiles, .tooManyOpenFilesInSystem].contains(errno)
  }

  private static func hint(for errno: Errno, _ operation: Operation) -> String? {
    switch (errno, operation) {
    case (.noSpace, _), (.diskQuotaExceeded, _):
      "free some space, or write to another disk; nothing was left behind"
    case (.fileTooLarge, _):
      "the limit on file sizes is too small (see 'ulimit -f'); nothing was left behind"
    case (.tooManyOpenFiles, _):
      "the limit on open files is too small (see 'ulimit -n')"
    case (.permissionDenied, .create), (.readOnlyFileSystem, .create):
      "choose a folder that you may write to"
    case (.fileNameTooLong, _): "choose a name of at most 255 bytes"
    default: nil
    }
  }
}

extension String {
  /// The system's messages start with a capital; inside a sentence they should not.
  fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
