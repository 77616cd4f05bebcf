import FileIO
import Glibc
import SystemPackage

/// What a supervisor sees of its attempt: how long it takes, whether it lives, and whether it is to end.
///
/// Time is that of a clock that nobody sets, and that stands still while the machine sleeps.
struct AttemptWatch {
  private let folder: AttemptFolder
  private let limits: AttemptSpec.Limits
  /// The claim's lock, which tells that this supervisor lives, and the last time that it was shown by other means.
  private let lock: OwnerLock
  private var lastBeat = SuspendingClock.now
  private let began = SuspendingClock.now
  private var signsOfLife: SignsOfLife?
  /// When the cancel file was looked for last.
  private var lastLook = SuspendingClock.now
  /// Why the attempt is to end; nil while it is not.
  private(set) var cause: JournalEvent.Cause?
  /// When processes are killed that do not end.
  private var deadline: SuspendingClock.Instant?

  init(_ folder: AttemptFolder, _ limits: AttemptSpec.Limits, _ lock: OwnerLock) {
    (self.folder, self.limits, self.lock) = (folder, limits, lock)
    signsOfLife = limits.heartbeat.map { SignsOfLife(folder, limit: .seconds($0)) }
  }

  /// How long it has taken.
  var seconds: Double { (SuspendingClock.now - began).secondCount }

  /// Whether what was asked to end has had its time.
  var isGraceOver: Bool { deadline.map { SuspendingClock.now >= $0 } ?? false }

  /// Waits until something may have happened, and looks whether the attempt is to end.
  mutating func wait() {
    var pause = deadline == nil ? 1.0 : 0.02
    if cause == nil, let timeout = limits.timeout { pause = min(pause, timeout - seconds) }
    if cause == nil, let signsOfLife { pause = min(pause, signsOfLife.step) }
    look(AwaitedSignals.next(milliseconds: max(1, Int(pause * 1000))))
  }

  /// Whether the attempt is to end, asked often while its supervisor works.
  mutating func isOver() -> Bool {
    look(AwaitedSignals.next(milliseconds: 0))
    return cause != nil
  }

  private mutating func look(_ signal: Int32?) {
    let now = SuspendingClock.now
    if now - lastBeat >= AttemptLife.beat {
      lastBeat = now
      lock.touch()
    }
    guard cause == nil else { return }
    if let signal, [SIGTERM, SIGINT, SIGHUP].contains(signal) { cause = .cancelled }
    if now - lastLook >= .milliseconds(200) {
      lastLook = now
      if FileStatus(ofLink: folder.cancel) != nil { cause = .cancelled }
      if signsOfLife?.isOver() == true { cause = cause ?? .heartbeat }
    }
    if let timeout = limits.timeout, seconds > timeout { cause = cause ?? .timeout }
    if cause != nil { deadline = now + .seconds(limits.grace) }
  }

  // MARK: - Processes

  /// Sends a signal to all that the program started, whatever sessions and groups that leads.
  func endProcesses(by signal: Int32) {
    for process in ProcessTable().descendants(of: getpid()) {
      process.send(signal)
      if signal == SIGTERM { process.send(SIGCONT) }
    }
  }

  /// Ends what a program that has ended left running: it is asked first, and killed when its time is over.
  mutating func endWhatIsLeft() {
    guard ChildProcess.collectOrphans() else { return }
    endProcesses(by: SIGTERM)
    let limit = deadline ?? SuspendingClock.now + .seconds(limits.grace)
    // What cannot be killed, because it waits for a disk, is not waited for.
    while ChildProcess.collectOrphans(), SuspendingClock.now < limit + .seconds(10) {
      if SuspendingClock.now >= limit { endProcesses(by: SIGKILL) }
      look(AwaitedSignals.next(milliseconds: 20))
    }
  }
}
