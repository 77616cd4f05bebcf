import CSystemShims
import Glibc
import SystemPackage

/// A process, told from any other that gets its number later: number, start time, and boot of the system.
public struct ProcessIdentity: Sendable, Hashable {
  /// The number.
  public let number: Int32
  /// When it started, in the system's ticks since the boot.
  public let start: UInt64
  /// The boot, as the system names it; empty when it does not.
  public let boot: String

  /// A process that was noted earlier.
  public init(number: Int32, start: UInt64, boot: String) {
    self.number = number
    self.start = start
    self.boot = boot
  }

  /// The process that has this number now; nil when none has, or it ended and waits to be collected.
  public init?(running number: Int32) {
    guard let record = ProcessRecord(number), record.state != "Z", record.state != "X" else {
      return nil
    }
    self.init(number: number, start: record.start, boot: ProcessIdentity.boot)
  }

  /// This process.
  public static var current: ProcessIdentity {
    ProcessIdentity(running: getpid())
      ?? ProcessIdentity(number: getpid(), start: 0, boot: boot)
  }

  /// Whether it still runs.
  public var isRunning: Bool { ProcessIdentity(running: number) == self }

  /// Sends a signal if it still runs; returns whether it did.
  @discardableResult
  public func send(_ signal: Int32) -> Bool { isRunning && kill(number, signal) == 0 }

  /// The boot of the system.
  public static let boot: String = text(of: "/proc/sys/kernel/random/boot_id") ?? ""

  /// The processes of a session that have this entry in their environment.
  ///
  /// The entry is what they inherited: a session's number alone may have been given again.
  public static func members(ofSession session: Int32, environment entry: String)
    -> [ProcessIdentity]
  {
    let numbers = ((try? Folder.names(in: "/proc")) ?? []).compactMap { Int32($0) }
    return numbers.compactMap { number in
      guard ProcessRecord(number)?.session == session,
        let environment = text(of: "/proc/\(number)/environ"),
        environment.split(separator: "\0").contains(Substring(entry))
      else { return nil }
      return ProcessIdentity(running: number)
    }
  }

  /// Waits until one of the processes ends or the time is over.
  public static func waitForEnd(ofAny processes: [ProcessIdentity], milliseconds: Int) {
    let running = processes.filter(\.isRunning)
    // One that ended is to be looked at, not waited for.
    if running.count < processes.count { return }
    unsafe imwa_wait_for_processes(running.map(\.number), running.count, Int32(milliseconds))
  }

  /// Files of the system have no size that is known before.
  fileprivate static func text(of path: String) -> String? {
    guard
      let descriptor = try? FileDescriptor.open(
        FilePath(path), .readOnly, options: [.closeOnExec])
    else { return nil }
    defer { try? descriptor.close() }
    var result: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 4096)
    while result.count < 1 << 20 {
      let count = unsafe block.withUnsafeMutableBytes { memory in
        (try? unsafe descriptor.read(into: memory)) ?? 0
      }
      if count <= 0 { break }
      result += block[..<count]
    }
    let text = String(decoding: result, as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}

/// What the system tells of a process.
private struct ProcessRecord {
  let state: Substring
  let session: Int32
  let start: UInt64

  init?(_ number: Int32) {
    guard let text = ProcessIdentity.text(of: "/proc/\(number)/stat"),
      let end = text.lastIndex(of: ")")
    else { return nil }
    // The name is in parentheses and may hold anything; the state is the first field behind it.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let session = Int32(fields[3]), let start = UInt64(fields[19]) else {
      return nil
    }
    state = fields[0]
    self.session = session
    self.start = start
  }
}
