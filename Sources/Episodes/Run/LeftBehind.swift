import FileIO

/// Attempts that still run although nobody works on their run.
public struct LeftBehind {
  private let attempts: [SubmittedAttempt]
  private let grace: Double

  /// Looks for them.
  public init(_ status: RunStatus) {
    let folder = RunFolder(status.path, episodes: status.plan.episodes)
    let run = status.history.start?.run ?? ""
    attempts = status.working.map { work in
      SubmittedAttempt(name: work.id.name(inRun: run), folder: folder.attempt(work.id))
    }
    grace = status.plan.grace
  }

  /// Ends them and waits until they are gone; returns how many there were, and where those run that are not gone.
  public func end(unless isInterrupted: () -> Bool) async throws -> (count: Int, left: [String]) {
    let executor = LocalExecutor(supervisor: [], environment: [])
    let running = attempts.filter { attempt in
      let life = AttemptLife(attempt.folder)
      return life.isRunning || !life.processes.isEmpty
    }
    await executor.cancel(running)
    let limit = SuspendingClock.now + .seconds(grace + 10)
    var left = running
    while !left.isEmpty, SuspendingClock.now < limit, !isInterrupted() {
      await executor.pause(for: left, milliseconds: 100)
      left = left.filter { AttemptLife($0.folder).isRunning }
    }
    await executor.kill(left)
    let places = left.compactMap { attempt -> String? in
      guard case .running(let elsewhere) = AttemptLife(attempt.folder).state else { return nil }
      return elsewhere ?? CurrentProcess.hostName
    }
    return (running.count, places)
  }
}
