public import FileIO
import Glibc
public import SystemPackage

/// The process that works on a run, which keeps a lock in the run's folder.
public struct RunOwner: Sendable {
  /// The process; nil when it did not say who it is.
  public let process: ProcessIdentity?
  /// The machine that it runs on.
  public let host: String

  /// Who works on the run in a folder; nil when nobody does.
  ///
  /// A copy of a folder has no owner, whatever is written in it.
  public init?(of path: FilePath) {
    let file = RunFolder.lock(in: path)
    let bytes = (try? SmallFile.read(file)) ?? nil
    let words = String(decoding: bytes ?? [], as: UTF8.self).split(whereSeparator: \.isWhitespace)
    if words.count >= 4, let number = Int32(words[0]), let start = UInt64(words[1]) {
      process = ProcessIdentity(
        number: number, start: start, boot: String(words[2]),
        namespace: words.count > 4 ? String(words[4]) : "")
      host = String(words[3])
    } else {
      (process, host) = (nil, CurrentProcess.hostName)
    }
    guard OwnerLock.isHeld(file) ?? (process?.isRunning == true) else { return nil }
  }

  /// What is written into the lock of this process.
  static var note: String {
    let own = ProcessIdentity.current
    return "\(own.number) \(own.start) \(own.boot) \(CurrentProcess.hostName) \(own.namespace)\n"
  }

  /// As messages say it: `process 4711 on gpu-3`.
  public var text: String {
    (process.map { "process \($0.number)" } ?? "a process") + " on \(host)"
  }

  /// Asks the owner of a run to stop it, and waits until it has; whatever machine it runs on.
  ///
  /// - Returns: false when the wait was interrupted.
  /// - Throws: `FileError` when nothing can be written into the run's folder.
  public static func stop(
    _ path: FilePath, notice: (String) -> Void, unless isInterrupted: () -> Bool
  ) throws -> Bool {
    let began = SuspendingClock.now
    var isAnnounced = false
    while let owner = RunOwner(of: path) {
      if isInterrupted() { return false }
      // A runner that has just begun takes an old request away.
      _ = try SmallFile.create(RunFolder.stop(in: path), [])
      if let process = owner.process, process.isHeld { process.send(SIGCONT) }
      if !isAnnounced, SuspendingClock.now - began > .seconds(5) {
        isAnnounced = true
        notice("\(owner.text) works on the run: it is waited for")
      }
      if let process = owner.process, process.isRunning {
        ProcessIdentity.waitForEnd(ofAny: [process], milliseconds: 100)
      } else {
        usleep(100_000)
      }
    }
    Folder.removeAll(RunFolder.stop(in: path))
    return true
  }
}
