import CSystemShims
import Glibc
import Synchronization
public import SystemPackage

/// A program that this process started.
public struct ChildProcess: Sendable {
  /// How the program stands to this process.
  public enum Relation: Sendable {
    /// It leads a session of its own, and lives on when this process ends.
    case ownSession
    /// It leads a process group of its own, and is killed when this process ends.
    case ownGroup
  }

  /// How a program ended.
  public enum Ending: Sendable, Hashable {
    case exited(code: Int32)
    case killed(signal: Int32)
  }

  /// Those that this process started, and whose end nobody has asked for.
  private static let started = Mutex<Set<Int32>>([])

  /// Its number, which is also that of its process group.
  public let number: Int32

  /// Starts a program.
  ///
  /// It inherits nothing but its output; its input is empty, and signals do what they do by default.
  ///
  /// - Parameters:
  ///   - arguments: the program, looked for on the `PATH` of this process, and its arguments.
  ///   - environment: all of its environment, as `NAME=VALUE`.
  ///   - output: the file that standard output is appended to.
  ///   - errors: the file that standard error is appended to.
  /// - Throws: `FileError` when it cannot be started.
  public init(
    _ arguments: [String], environment: [String], folder: FilePath, output: FilePath,
    errors: FilePath, relation: Relation
  ) throws(FileError) {
    let outputFile = try ChildProcess.log(output)
    defer { try? outputFile.close() }
    let errorFile = output == errors ? outputFile : try ChildProcess.log(errors)
    defer { if output != errors { try? errorFile.close() } }
    var number: Int32 = 0
    let failure = unsafe withCStrings(arguments) { arguments in
      unsafe withCStrings(environment) { environment in
        unsafe folder.withPlatformString { folder in
          var program = unsafe imwa_program(
            arguments: arguments, environment: environment, folder: folder,
            output: outputFile.rawValue, errors: errorFile.rawValue,
            leads_session: relation == .ownSession, dies_with_parent: relation == .ownGroup)
          return unsafe imwa_start_program(&program, &number)
        }
      }
    }
    guard failure == 0 else {
      throw FileError(
        .start, FilePath(arguments.first ?? ""), errno: Errno(rawValue: failure),
        hint: failure == ENOENT ? "is the program installed, and does its folder exist?" : nil)
    }
    self.number = number
    let own = number
    _ = ChildProcess.started.withLock { $0.insert(own) }
  }

  /// How it ended, once; nil while it runs or after it was asked before.
  public func ending() -> Ending? {
    var status: Int32 = 0
    guard unsafe imwa_collect_child(number, &status) == 1 else { return nil }
    _ = ChildProcess.started.withLock { $0.remove(number) }
    let signal = status & 0x7F
    return signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .killed(signal: signal)
  }

  /// Whether this process has children, once those that ended are collected; but for those that it started, which are
  /// left to whoever asks how they ended.
  ///
  /// Children of others come to a process that takes in orphans, and to the first one of a container.
  @discardableResult
  public static func collectOrphans() -> Bool {
    let own = Array(started.withLock { $0 })
    while true {
      let found = unsafe imwa_collect_orphan(own, own.count)
      if found <= 0 { return found == 0 }
    }
  }

  /// Waits until it ends or the time is over.
  public func waitForEnd(milliseconds: Int) {
    unsafe imwa_wait_for_processes([number], 1, Int32(milliseconds))
  }

  /// Sends a signal to all processes of its group.
  public func sendToGroup(_ signal: Int32) { kill(-number, signal) }

  private static func log(_ path: FilePath) throws(FileError) -> FileDescriptor {
    do {
      return try FileDescriptor.open(
        path, .writeOnly, options: [.create, .append, .closeOnExec],
        permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
  }
}

/// Signals of a process that waits for its children.
public enum AwaitedSignals {
  /// Keeps the signals that ask this process to end, and that of children, for `next`.
  public static func block() { imwa_block_signals() }

  /// The next of them; nil when none comes in time.
  public static func next(milliseconds: Int) -> Int32? {
    let number = imwa_next_signal(Int32(milliseconds))
    return number == 0 ? nil : number
  }
}

/// Calls `body` with texts as C wants them.
private func withCStrings<Result>(
  _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
  // A zero byte would cut a text short; nothing that is started has one.
  let copies = unsafe texts.map { unsafe strdup($0) }
  defer { unsafe copies.forEach { unsafe free($0) } }
  let pointers = unsafe copies.map { unsafe UnsafePointer<CChar>($0) } + [nil]
  return unsafe pointers.withUnsafeBufferPointer { buffer in
    guard let base = buffer.baseAddress else { preconditionFailure("the end is always there") }
    return unsafe body(base)
  }
}
