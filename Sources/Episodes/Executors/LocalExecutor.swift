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

  /// The program and first arguments of a supervisor; the folder of the attempt comes after them.
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

  /// Looks whether supervisors live.
  public func observe(_ attempts: [SubmittedAttempt]) async -> Observation {
    let endings = collect()
    var states: [String: Observation.State] = [:]
    for attempt in attempts {
      if let ending = endings[attempt.name] {
        states[attempt.name] = LocalExecutor.state(ending, attempt.folder)
      } else if isOurs(attempt.name) {
        states[attempt.name] = .running(nil)
      } else {
        switch AttemptLife(attempt.folder).state {
        case .running(let elsewhere): states[attempt.name] = .running(elsewhere)
        case .gone: states[attempt.name] = .ended("its supervisor is gone")
        case .unclaimed: continue
        }
      }
    }
    return .states(states)
  }

  /// A supervisor that was killed is one thing, one that could not do its work another.
  private static func state(_ ending: ChildProcess.Ending, _ folder: AttemptFolder)
    -> Observation.State
  {
    switch ending {
    case .killed(let signal): return .ended("its supervisor was killed by signal \(signal)")
    case .exited(code: 0): return .ended("its supervisor ended")
    case .exited(code: Supervisor.diskFailure):
      return .failed("its supervisor could not write its files")
    case .exited(let code):
      let line = folder.lastLines(1).first.map { ": \($0)" } ?? ""
      return .failed("its supervisor ended with code \(code)\(line)")
    }
  }

  /// Asks supervisors to end their programs; what a dead supervisor left is killed.
  public func cancel(_ attempts: [SubmittedAttempt]) async {
    for attempt in attempts {
      let life = AttemptLife(attempt.folder)
      switch life.state {
      case .running:
        // A file reaches supervisors that signals do not; a signal is there at once.
        _ = try? SmallFile.create(attempt.folder.cancel, [])
        life.supervisor?.send(SIGTERM)
      case .gone: life.kill()
      case .unclaimed:
        // It has not come so far as to claim the folder, and nothing runs under it.
        if let child = children.withLock({ $0[attempt.name] }) { Glibc.kill(child.number, SIGKILL) }
      }
    }
  }

  /// Kills supervisors and all that they started.
  public func kill(_ attempts: [SubmittedAttempt]) async {
    for attempt in attempts { AttemptLife(attempt.folder).kill() }
  }

  /// Waits for the end of a supervisor.
  public func pause(for attempts: [SubmittedAttempt], milliseconds: Int) async {
    var processes: [ProcessIdentity] = []
    for attempt in attempts {
      if let child = children.withLock({ $0[attempt.name] }) {
        // One that has ended is to be looked at, not waited for.
        guard let process = ProcessIdentity(running: child.number) else { return }
        processes.append(process)
      } else {
        let life = AttemptLife(attempt.folder)
        if let supervisor = life.supervisor { processes.append(supervisor) }
        if life.isRunning { continue }
        // One that ended is to be looked at; one that nobody has claimed is about to be.
        try? await Task.sleep(for: .milliseconds(min(milliseconds, 5)))
        return
      }
    }
    let awaited = processes
    guard !awaited.isEmpty else {
      try? await Task.sleep(for: .milliseconds(milliseconds))
      return
    }
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        ProcessIdentity.waitForEnd(ofAny: awaited, milliseconds: milliseconds)
        continuation.resume()
      }
    }
  }

  private func isOurs(_ name: String) -> Bool { children.withLock { $0[name] != nil } }

  /// How supervisors ended since the last time; all are collected, also those that nobody asks for any more.
  private func collect() -> [String: ChildProcess.Ending] {
    children.withLock { children in
      var endings: [String: ChildProcess.Ending] = [:]
      for (name, child) in children {
        guard let ending = child.ending() else { continue }
        endings[name] = ending
        children[name] = nil
      }
      // What killed supervisors leave comes to the first process of a container.
      if CurrentProcess.isFirst { ChildProcess.collectOrphans() }
      return endings
    }
  }
}
