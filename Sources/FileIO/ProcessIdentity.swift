import CSystemShims
import Glibc
import SystemPackage

/// A process, told from any other that has its number later or elsewhere.
public struct ProcessIdentity: Sendable, Hashable {
  /// The number.
  public let number: Int32
  /// When it started, in the system's ticks since the boot.
  public let start: UInt64
  /// The boot, as the system names it; empty when it does not.
  public let boot: String
  /// Where its number counts: containers have numbers of their own. Empty when the system does not say.
  public let namespace: String

  /// A process that was noted earlier.
  public init(number: Int32, start: UInt64, boot: String, namespace: String) {
    self.number = number
    self.start = start
    self.boot = boot
    self.namespace = namespace
  }

  /// A process of this boot whose number counts here.
  init(here number: Int32, start: UInt64) {
    self.init(
      number: number, start: start, boot: ProcessIdentity.boot,
      namespace: ProcessIdentity.namespace)
  }

  /// The process that has this number now; nil when none has, or it ended and waits to be collected.
  public init?(running number: Int32) {
    guard let record = ProcessRecord(number), record.isAlive else { return nil }
    self.init(here: number, start: record.start)
  }

  /// This process.
  public static var current: ProcessIdentity {
    ProcessIdentity(running: getpid()) ?? ProcessIdentity(here: getpid(), start: 0)
  }

  /// Whether it runs, and its number counts here: others are not known.
  public var isRunning: Bool { ProcessIdentity(running: number) == self }

  /// Whether it is held by a signal or a debugger.
  public var isHeld: Bool { isRunning && ["T", "t"].contains(ProcessRecord(number)?.state) }

  /// Sends a signal if it still runs; returns whether it did.
  @discardableResult
  public func send(_ signal: Int32) -> Bool { isRunning && kill(number, signal) == 0 }

  /// The boot of the system.
  public static let boot: String = SystemText.read("/proc/sys/kernel/random/boot_id") ?? ""

  /// Where the numbers of this process count.
  public static let namespace: String =
    (try? Folder.target(ofLink: "/proc/self/ns/pid").string) ?? ""

  /// Waits until one of the processes ends or the time is over.
  public static func waitForEnd(ofAny processes: [ProcessIdentity], milliseconds: Int) {
    let running = processes.filter(\.isRunning)
    // One that ended is to be looked at, not waited for.
    if running.count < processes.count { return }
    unsafe imwa_wait_for_processes(running.map(\.number), running.count, Int32(milliseconds))
  }
}
