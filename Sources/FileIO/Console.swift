import CSystemShims
import Glibc
import SystemPackage

/// Standard output and standard error.
public enum Console: Sendable {
  case output
  case error

  private var descriptor: FileDescriptor { self == .output ? .standardOutput : .standardError }

  /// Writes text; a reader that has gone away is no error.
  ///
  /// - Throws: `FileError` when writing fails for another reason.
  public func write(_ text: String) throws(FileError) {
    do {
      try descriptor.writeAll(Array(text.utf8))
    } catch Errno.brokenPipe {
      return
    } catch {
      throw FileError(
        .write, self == .output ? "standard output" : "standard error",
        reason: (error as? Errno)?.description.lowercased())
    }
  }

  /// Whether a person looks at it.
  public var isTerminal: Bool { isatty(descriptor.rawValue) == 1 }

  /// Whether lines on it can be drawn over: a terminal that knows the codes for that.
  public var canRedraw: Bool {
    isTerminal && !["", "dumb", "unknown"].contains(CurrentProcess.environmentValue("TERM") ?? "")
  }

  /// The number of rows; nil when it is no terminal.
  public var height: Int? {
    let height = Int(imwa_terminal_height(descriptor.rawValue))
    return height > 0 ? height : nil
  }

  /// The number of columns; nil when it is no terminal.
  public var width: Int? {
    let width = Int(imwa_terminal_width(descriptor.rawValue))
    return width > 0 ? width : nil
  }
}
