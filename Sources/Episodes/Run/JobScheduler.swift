import FileIO
import JSONText
import SystemPackage
import TensorCore

/// Has an executor do jobs, so many at once: takes up what runs already, tries again what failed, and ends what
/// takes too long.
///
/// What becomes of an attempt is decided by its files. What the executor knows only tells whether it is worth
/// waiting for them.
struct JobScheduler {
  /// How often the work that attempts do may go away without their fault.
  private static let maximumLosses = 20
  /// The longest time between two attempts, in seconds.
  private static let longestPause = 300.0

  let run: Run
  let executor: any MemberExecutor
  let observer: any RunObserver
  let interruption: @Sendable () -> Int32?
  private var waiting: [Job] = []
  /// When what has failed may be tried again.
  private var pauses: [RunTask: ContinuousClock.Instant] = [:]
  private var active: [Active] = []
  private var failure: RunError?
  private var events: [JournalEvent] = []

  /// An attempt under way.
  private struct Active {
    let job: Job
    let id: AttemptID
    let submitted: SubmittedAttempt
    let slot: String
    var cause: JournalEvent.Cause?
    /// Since when it may have been running.
    var began = SuspendingClock.now
    /// When it was asked to end.
    var cancelled: SuspendingClock.Instant?
    /// Whether a user knows that it runs elsewhere.
    var isAnnounced = false
    /// Since when the executor does not see it run, although there is no exit record.
    var missing: ContinuousClock.Instant?
    /// How often the executor has said so.
    var missingCount = 0

    var name: String { submitted.name }
    var folder: AttemptFolder { submitted.folder }
    var shown: ActiveAttempt { ActiveAttempt(id: id, folder: folder, slot: slot) }
  }

  init(
    run: Run, executor: any MemberExecutor, observer: any RunObserver,
    interruption: @escaping @Sendable () -> Int32?
  ) {
    self.run = run
    self.executor = executor
    self.observer = observer
    self.interruption = interruption
  }

  /// Does jobs that are not done yet.
  ///
  /// When one fails for good, those under way are finished before.
  ///
  /// - Throws: `RunError` for a job that failed for good and for an interruption, `FileError`.
  mutating func perform(_ jobs: [Job]) async throws {
    (active, failure, events) = ([], nil, [])
    waiting = jobs.filter { run.history[$0.task].winner == nil }
    takeUp()
    while !active.isEmpty || (!waiting.isEmpty && failure == nil) {
      if let signal = interruption() {
        try await stop(.cancelled)
        throw RunError.interrupted(signal, run: run.path)
      }
      do {
        try await submitWaiting()
        let count = active.count
        try await look()
        try flush()
        if active.isEmpty, !waiting.isEmpty, waiting.allSatisfy({ isPaused($0.task) }) {
          observer.isWorking([], in: run.history)
          try? await Task.sleep(for: .milliseconds(20))
        } else if active.count == count, !active.isEmpty {
          observer.isWorking(active.map(\.shown), in: run.history)
          await executor.pause(for: active.map(\.submitted), milliseconds: 100)
        }
      } catch {
        // Nobody would be left to see what becomes of them.
        try? await stop(.cancelled)
        throw error
      }
    }
    if let failure { throw failure }
  }

  /// Attempts that an earlier runner submitted, and whose end it did not see.
  private mutating func takeUp() {
    for job in waiting {
      let numbers = run.history[job.task].open.sorted()
      for number in numbers {
        let id = AttemptID(job.task, number)
        let folder = run.folder.attempt(id)
        active.append(
          Active(
            job: job, id: id,
            submitted: SubmittedAttempt(name: id.name(inRun: run.id), folder: folder),
            slot: slot(of: folder)))
      }
    }
    waiting.removeAll { job in active.contains { $0.job.task == job.task } }
  }

  /// The device that an attempt was given.
  private func slot(of folder: AttemptFolder) -> String {
    let prefix = Placeholders.variable("slot") + "="
    let entry = (try? folder.specification())?.environment.first { $0.hasPrefix(prefix) }
    return entry.map { String($0.dropFirst(prefix.count)) } ?? ""
  }

  private mutating func submitWaiting() async throws {
    var chosen: [(Active, AttemptSpec)] = []
    while failure == nil, active.count + chosen.count < run.plan.parallel {
      guard let next = waiting.firstIndex(where: { !isPaused($0.task) }) else { break }
      try waiting[next].checkStart()
      let job = waiting.remove(at: next)
      let taken = Set(active.map(\.slot) + chosen.map { $0.0.slot })
      let slot = run.plan.slots.first { !taken.contains($0) } ?? run.plan.slots[0]
      // A folder without a line in the journal is of a runner that went away in between.
      let number = max(run.history[job.task].lastAttempt, run.folder.lastAttempt(of: job.task)) + 1
      let id = AttemptID(job.task, number)
      let folder = run.folder.attempt(id)
      // What earlier ones left could fill the disk.
      for earlier in 1..<number where run.plan.keepMembers != .all {
        run.folder.attempt(AttemptID(job.task, earlier)).removeScratch()
      }
      try Folder.createAll(folder.path)
      let spec = job.spec(id, folder, slot)
      try SmallFile.write(
        Array((spec.json.text + "\n").utf8), to: folder.spec, durability: .none)
      let submitted = SubmittedAttempt(name: spec.name, folder: folder)
      chosen.append((Active(job: job, id: id, submitted: submitted, slot: slot), spec))
    }
    // First the line in the journal: what runs without one would be forgotten.
    try flush(with: chosen.map { .submitted($0.0.id) })
    for (attempt, spec) in chosen {
      switch await executor.submit(spec) {
      case .accepted, .unknown: active.append(attempt)
      case .refused(let reason):
        events.append(.failed(attempt.id, .refused, reason: reason))
        failure = failure ?? RunError.refused(attempt.id, reason, run: run.path)
      }
    }
  }

  private func isPaused(_ task: RunTask) -> Bool { pauses[task].map { $0 > .now } ?? false }

  /// Looks at every attempt once.
  private mutating func look() async throws {
    if active.isEmpty { return }
    let observation = await executor.observe(active.map(\.submitted))
    var left: [Active] = []
    for attempt in active {
      if let attempt = try await settle(attempt, observation) { left.append(attempt) }
    }
    active = left
  }

  /// Decides what becomes of an attempt; nil when that is settled.
  private mutating func settle(_ attempt: Active, _ observation: Observation) async throws
    -> Active?
  {
    if let record = try attempt.folder.exitRecord() {
      finish(attempt, record)
      return nil
    }
    guard case .states(let states) = observation else { return await checkLimits(attempt) }
    switch states[attempt.name] {
    case .queued:
      var attempt = attempt
      (attempt.missing, attempt.missingCount, attempt.began) = (nil, 0, .now)
      return await checkLimits(attempt)
    case .running(let elsewhere):
      var attempt = attempt
      (attempt.missing, attempt.missingCount) = (nil, 0)
      if let elsewhere, !attempt.isAnnounced {
        attempt.isAnnounced = true
        observer.notice("\(attempt.id.text) is under way on \(elsewhere): it is waited for")
      }
      return await checkLimits(attempt)
    case .failed(let reason):
      // What is stopped is given up one after another.
      guard attempt.cause == nil else { return try await give(up: attempt, reason) }
      throw RunError.unable(attempt.id, reason, run: run.path)
    case .stuck(let reason): return try await give(up: attempt, reason)
    case .ended where !isOverdue(attempt), nil where !isOverdue(attempt):
      var attempt = attempt
      attempt.missing = attempt.missing ?? .now
      attempt.missingCount += 1
      return attempt
    case .ended(let reason): return try await give(up: attempt, reason)
    case nil:
      // Nobody has begun: whoever comes late must find the folder taken.
      if try attempt.folder.abandon() {
        return try await give(up: attempt, "it was never begun")
      }
      // Somebody has, perhaps since the executor was asked.
      guard attempt.missing == nil else { return try await give(up: attempt, "it is gone") }
      var attempt = attempt
      attempt.missing = .now
      return attempt
    }
  }

  /// Whether an exit record would have been seen by now.
  private func isOverdue(_ attempt: Active) -> Bool {
    if executor.exitDelay == .zero { return true }
    guard let missing = attempt.missing, attempt.missingCount >= 3 else { return false }
    return ContinuousClock.now - missing >= executor.exitDelay
  }

  /// Ends what should have been ended long ago: supervisors see to the limits, unless they are held themselves.
  private func checkLimits(_ attempt: Active) async -> Active {
    var attempt = attempt
    let (now, patience) = (SuspendingClock.now, Duration.seconds(run.plan.grace + 5))
    if let cancelled = attempt.cancelled {
      if now - cancelled > patience {
        attempt.cancelled = now
        await executor.kill([attempt.submitted])
      }
    } else if let limit = run.plan.timeout(of: attempt.id.task),
      now - attempt.began > .seconds(limit) + patience
    {
      (attempt.cause, attempt.cancelled) = (.timeout, now)
      await executor.cancel([attempt.submitted])
    }
    return attempt
  }

  /// Gives up an attempt of which nobody will tell how it ended.
  private mutating func give(up attempt: Active, _ reason: String) async throws -> Active? {
    // The record is written before the process ends.
    if let record = try attempt.folder.exitRecord() {
      finish(attempt, record)
      return nil
    }
    await executor.cancel([attempt.submitted])
    if let cause = attempt.cause {
      fail(attempt, cause, self.reason(cause, attempt))
    } else {
      fail(attempt, .lost, "it was lost: \(reason)")
    }
    return nil
  }

  private mutating func finish(_ attempt: Active, _ record: ExitRecord) {
    // A trainer that was asked to end may have saved what it had: that is no whole episode.
    if let cause = record.cause == .cancelled ? attempt.cause ?? .cancelled : record.cause {
      return fail(attempt, cause, reason(cause, attempt))
    }
    switch record.ending {
    case .exited(code: 0):
      switch attempt.job.verdict(attempt.folder, record) {
      case .faulty(let reason): fail(attempt, .failed, reason)
      case .sound(let more):
        let curve = curve(of: attempt)
        events.append(
          .finished(
            attempt.id, seconds: record.seconds, outputs: record.outputs,
            loss: curve?.lastLoss))
        if let curve, curve.points.count > 1 { events.append(.curve(attempt.id, curve)) }
        events += more
      }
    case .exited(let code): fail(attempt, .failed, "the command ended with exit code \(code)")
    case .killed(let signal):
      fail(attempt, .failed, "the command was killed by signal \(signal)")
    case .failed(let reason): fail(attempt, .failed, reason)
    }
  }

  /// The losses that a trainer printed; nil for what does not train.
  private func curve(of attempt: Active) -> TrainingCurve? {
    switch attempt.id.task {
    case .train, .warmStart:
      TrainingCurve(log: attempt.folder.log, limit: TrainingCurve.limit(for: run.plan))
    case .initial, .recalibrate, .evaluate, .evaluateAll: nil
    }
  }

  private func reason(_ cause: JournalEvent.Cause, _ attempt: Active) -> String {
    let limits = (try? attempt.folder.specification())?.limits
    let seconds = cause == .timeout ? limits?.timeout : limits?.heartbeat
    let text = seconds.map { " of \(TimeText.duration($0))" } ?? ""
    switch cause {
    case .timeout: return "it took longer than the 'timeout'\(text)"
    case .heartbeat: return "it showed no sign of life for the 'heartbeat'\(text)"
    default: return "it was asked to end"
    }
  }

  private mutating func fail(_ attempt: Active, _ cause: JournalEvent.Cause, _ reason: String) {
    events.append(.failed(attempt.id, cause, reason: reason))
    let before = run.history[attempt.job.task]
    let failures = before.failures + ([.failed, .timeout, .heartbeat].contains(cause) ? 1 : 0)
    let losses = before.losses + (cause == .lost ? 1 : 0)
    if failures < run.plan.attempts && losses <= JobScheduler.maximumLosses {
      // What was lost or stopped is not to blame, and a cause that passes needs some time.
      let pause = [.failed, .timeout, .heartbeat].contains(cause) ? backoff(failures) : 0
      pauses[attempt.job.task] = .now + .seconds(pause)
      let when = pause < 1 ? "trying again" : "trying again in \(TimeText.duration(pause))"
      if cause != .cancelled { observer.notice("\(attempt.id.text): \(reason); \(when)") }
      if !waiting.contains(where: { $0.task == attempt.job.task }) {
        waiting.insert(attempt.job, at: 0)
      }
      return
    }
    if let noted = attempt.job.whenGivenUp {
      observer.notice("\(attempt.id.text): \(reason); it is noted, and the run goes on")
      events += noted(reason)
      return
    }
    let error = RunError.failed(
      attempt.id, reason: reason, folder: attempt.folder, run: run.path,
      attempts: run.plan.attempts)
    if failure == nil { failure = error }
    if active.count > 1 {
      observer.notice(
        "\(attempt.id.text): \(reason); what is under way is finished before the run stops")
    }
  }

  /// The seconds before the next attempt after so many failures.
  private func backoff(_ failures: Int) -> Double {
    min(JobScheduler.longestPause, run.plan.backoff * Double(1 << min(failures - 1, 20)))
  }

  /// Ends what is under way and waits for it.
  private mutating func stop(_ cause: JournalEvent.Cause) async throws {
    waiting = []
    for index in active.indices where active[index].cause == nil { active[index].cause = cause }
    await executor.cancel(active.map(\.submitted))
    let limit = SuspendingClock.now + .seconds(run.plan.grace + 10)
    while !active.isEmpty, SuspendingClock.now < limit {
      try await look()
      if !active.isEmpty {
        await executor.pause(for: active.map(\.submitted), milliseconds: 50)
      }
    }
    if !active.isEmpty {
      await executor.kill(active.map(\.submitted))
      try await look()
    }
    for attempt in active {
      observer.notice("\(attempt.id.text) was asked to end, and has not ended yet")
    }
    try flush()
  }

  /// Writes down what has happened; what cannot be written stays to be written.
  private mutating func flush(with more: [JournalEvent] = []) throws {
    let written = events + more
    try run.journal.record(written)
    events = []
    for event in written { observer.happened(event, in: run.history) }
  }
}
