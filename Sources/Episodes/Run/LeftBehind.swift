import FileIO

/// Attempts that still run although nobody works on their run.
public struct LeftBehind {
  private let attempts: [SubmittedAttempt]
  private let grace: Double

  /// Looks for them.
  public init(_ status: RunStatus) {
    let folder = RunFolder(status.path, episodes: status.plan.episodes)
    attempts = status.working.map { work in
      SubmittedAttempt(name: "\(work.id)", folder: folder.attempt(work.id))
    }
    grace = status.plan.grace
  }

  /// Ends them and waits until they are gone; returns how many there were.
  public func end(unless isInterrupted: () -> Bool) async throws -> Int {
    let executor = LocalExecutor(supervisor: [], environment: [])
    let running = attempts.filter { (try? $0.folder.claim())?.supervisor?.isRunning ?? false }
    await executor.cancel(attempts)
    let limit = ContinuousClock.now + .seconds(grace + 10)
    while ContinuousClock.now < limit, !isInterrupted() {
      let left = running.compactMap { (try? $0.folder.claim())?.supervisor }.filter(\.isRunning)
      if left.isEmpty { break }
      ProcessIdentity.waitForEnd(ofAny: left, milliseconds: 100)
    }
    return running.count
  }
}
