public import FileIO
import Glibc

/// Whether an attempt is being run, and what there is of it on this machine.
public struct AttemptLife: Sendable {
  /// How a supervisor stands.
  public enum State: Sendable, Hashable {
    /// Nobody has claimed the attempt.
    case unclaimed
    /// Its supervisor lives; on another machine when one is named.
    case running(elsewhere: String?)
    /// Its supervisor has ended.
    case gone
  }

  /// A supervisor shows that it lives by changing the time of its file so often, for machines that do not see its
  /// lock.
  static let beat = Duration.seconds(10)
  /// How old that time may be, in seconds.
  private static let patience = 60.0

  /// How its supervisor stands.
  public let state: State
  /// Who claimed it.
  let claim: ProcessClaim?
  private let isOriginal: Bool

  /// Looks at an attempt.
  public init(_ folder: AttemptFolder) {
    claim = (try? folder.claim()) ?? nil
    let status = FileStatus(of: folder.process)
    isOriginal = claim != nil && status?.inode == claim?.inode
    guard let claim, let supervisor = claim.supervisor else {
      state = claim == nil ? .unclaimed : .gone
      return
    }
    let isHere = supervisor.boot == ProcessIdentity.boot
    let isSameHost = isHere && claim.host == CurrentProcess.hostName
    let elsewhere = isSameHost ? nil : claim.host ?? "another machine"
    switch OwnerLock.isHeld(folder.process) {
    case true?: state = .running(elsewhere: elsewhere)
    // On this machine the lock is all there is to know. Another one's may not be seen from here.
    case false? where isHere: state = .gone
    case nil where isHere: state = supervisor.isRunning ? .running(elsewhere: nil) : .gone
    default:
      let age = status.map { abs(WallClock.now - $0.modificationTime) }
      state =
        (age ?? .infinity) < AttemptLife.patience ? .running(elsewhere: elsewhere) : .gone
    }
  }

  /// Whether its supervisor lives.
  public var isRunning: Bool { if case .running = state { true } else { false } }

  /// The supervisor, when it lives and signals reach it from here.
  var supervisor: ProcessIdentity? {
    guard isRunning, isOriginal, let supervisor = claim?.supervisor, supervisor.isRunning else {
      return nil
    }
    return supervisor
  }

  /// The processes of the attempt on this machine, whatever became of its supervisor.
  public var processes: [ProcessIdentity] {
    // A copied folder names processes that are those of the original.
    guard isOriginal, let mark = claim?.mark else { return [] }
    return ProcessTable().marked(mark)
  }

  /// Ends all processes of the attempt at once, and waits until they are gone.
  func kill() {
    supervisor?.send(SIGKILL)
    let limit = SuspendingClock.now + .seconds(10)
    var left = processes
    while !left.isEmpty, SuspendingClock.now < limit {
      for process in left { process.send(SIGKILL) }
      ProcessIdentity.waitForEnd(ofAny: left, milliseconds: 100)
      left = processes
    }
  }
}
