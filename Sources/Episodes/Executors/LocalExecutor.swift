import Dispatch
import FileIO
import Glibc
import Synchronization
import SystemPackage

/// Runs attempts as processes of this machine, each under a supervisor in a session of its own.
public final class LocalExecutor: MemberExecutor {
  /// `local`.
  public static let name = "local"

  /// The record is there before the process ends.
  public let exitDelay = Duration.zero

  /// The program and first arguments of a supervisor; the folder of the attempt comes behind.
  private let supervisor: [String]
  private let environment: [String]
  /// The supervisors that this process started, by the attempt's name.
  private let children = Mutex<[String: ChildProcess]>([:])

  /// Starts supervisors with this command and environment.
  public init(supervisor: [String], environment: [String]) {
    self.supervisor = supervisor
    self.environment = environment
  }

  /// There is nothing that could be missing.
  public func check() async throws {}

  /// Starts a supervisor.
  public func submit(_ attempt: AttemptSpec) async -> SubmitOutcome {
    do {
      let child = try ChildProcess(
        supervisor + [attempt.folder.path.string], environment: environment, folder: "/",
        output: attempt.folder.log, errors: attempt.folder.log, relation: .ownSession)
      children.withLock { $0[attempt.name] = child }
      return .accepted
    } catch {
      return .refused(error.description)
    }
  }

  /// Looks for the supervisors' processes.
  public func observe(_ attempts: [SubmittedAttempt]) async -> Observation {
    let endings = collect()
    var states: [String: Observation.State] = [:]
    for attempt in attempts {
      if let ending = endings[attempt.name] {
        states[attempt.name] = .ended("its supervisor \(ending)")
      } else if isOurs(attempt.name) {
        states[attempt.name] = .running
      } else if let claim = try? attempt.folder.claim() {
        let isRunning = claim.supervisor?.isRunning ?? false
        states[attempt.name] = isRunning ? .running : .ended("its supervisor is gone")
      }
    }
    return .states(states)
  }

  /// Asks supervisors to end their programs; what a dead supervisor left behind is killed.
  public func cancel(_ attempts: [SubmittedAttempt]) async {
    for attempt in attempts {
      let child = children.withLock { $0[attempt.name] }
      let claim = try? attempt.folder.claim()
      if let supervisor = claim?.supervisor {
        if supervisor.send(SIGTERM) { continue }
        let left = ProcessIdentity.members(
          ofSession: supervisor.number,
          environment: Placeholders.variable("attempt_dir") + "=" + attempt.folder.path.string)
        for process in left { process.send(SIGKILL) }
      } else if claim == nil, let child {
        // It has not come so far as to claim the folder, and nothing runs under it.
        kill(child.number, SIGKILL)
      }
    }
  }

  /// Waits for the end of a supervisor.
  public func pause(for attempts: [SubmittedAttempt], milliseconds: Int) async {
    var processes: [ProcessIdentity] = []
    for attempt in attempts {
      if let child = children.withLock({ $0[attempt.name] }) {
        // One that has ended is to be looked at, not waited for.
        guard let process = ProcessIdentity(running: child.number) else { return }
        processes.append(process)
      } else if let supervisor = (try? attempt.folder.claim())?.supervisor {
        processes.append(supervisor)
      }
    }
    guard processes.count == attempts.count, !processes.isEmpty else {
      try? await Task.sleep(for: .milliseconds(min(milliseconds, 5)))
      return
    }
    let awaited = processes
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        ProcessIdentity.waitForEnd(ofAny: awaited, milliseconds: milliseconds)
        continuation.resume()
      }
    }
  }

  private func isOurs(_ name: String) -> Bool { children.withLock { $0[name] != nil } }

  /// How supervisors ended since the last time; all are collected, also those that nobody asks for any more.
  private func collect() -> [String: String] {
    children.withLock { children in
      var endings: [String: String] = [:]
      for (name, child) in children {
        switch child.ending() {
        case .exited(let code)?: endings[name] = "ended with code \(code)"
        case .killed(let signal)?: endings[name] = "was killed by signal \(signal)"
        case nil: continue
        }
        children[name] = nil
      }
      return endings
    }
  }
}
