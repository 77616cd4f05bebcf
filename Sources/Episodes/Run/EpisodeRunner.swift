import Checkpoints
import FileIO
import SystemPackage
import TensorCore

/// Runs the episodes of a run to the end: trains the members, averages them, and hands the average to the next
/// episode (IMWA, Huang et al. 2024, algorithm 1; with a moving average equations 7 to 9).
public struct EpisodeRunner {
  let run: Run
  let observer: any RunObserver
  let average: EpisodeAverage
  let interruption: @Sendable () -> Int32?
  var scheduler: JobScheduler
  private var tensorboard: TensorBoardLog?

  /// Works on a run.
  ///
  /// - Parameter interruption: asked often: the signal that should end the work, nil to go on.
  public init(
    _ run: Run, executor: any MemberExecutor, observer: any RunObserver,
    interruption: @escaping @Sendable () -> Int32?
  ) {
    self.run = run
    self.observer = observer
    self.interruption = interruption
    average = EpisodeAverage(
      batchNorm: run.plan.average.batchNorm, interruption: interruption)
    scheduler = JobScheduler(
      run: run, executor: executor, observer: observer, interruption: interruption)
  }

  var plan: Plan { run.plan }
  var folder: RunFolder { run.folder }

  /// Does what is left to do.
  ///
  /// - Throws: `RunError` when it is interrupted or a member fails for good; errors of checkpoints and files.
  public mutating func perform() async throws {
    if run.history.phase == .completed { return try restoreResult() }
    do {
      try await scheduler.executor.check()
      try checkLastAverage()
      removeWhatIsNotKept(all: true)
      if plan.tensorboard {
        tensorboard = try TensorBoardLog(folder.tensorboard, plan: plan, history: run.history)
      }
      if run.history.lastComplete < 0 { try await begin() }
      while run.history.lastComplete < plan.episodes {
        try await perform(episode: run.history.lastComplete + 1)
      }
      // An evaluation of the last episode that was interrupted.
      try await evaluate(episode: plan.episodes)
      let (history, last) = (run.history, plan.episodes)
      try tensorboard?.update(history, through: last)
      try complete()
    } catch {
      try? record([.stopped(reason: EpisodeRunner.reason(error))])
      throw error
    }
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? any DiagnosedError else { return "\(error)" }
    if case .interrupted(let signal) = error.kind { return "asked to stop by signal \(signal)" }
    return error.description
  }

  func record(_ events: [JournalEvent]) throws {
    try run.journal.record(events)
    for event in events { observer.happened(event, in: run.history) }
  }

  /// Puts θ(0) in its place, warmed up when the plan says so.
  private mutating func begin() async throws {
    let start = folder.average(0, suffix: plan.suffix)
    try Folder.createAll(folder.episode(0))
    let initial = plan.warmStart > 0 ? folder.initial(suffix: plan.suffix) : start
    switch plan.initial {
    case .file(let path): try Folder.copyAll(path, to: initial)
    case .command:
      try await scheduler.perform([try initialJob()])
      let made = try winner(of: .initial).out(suffix: plan.suffix)
      try Folder.copyAll(made, to: initial)
    }
    var emaDigest: String?
    if plan.warmStart > 0 {
      try await scheduler.perform([try warmStartJob()])
      let made = try winner(of: .warmStart)
      _ = try average.write([made.out(suffix: plan.suffix)], weights: nil, to: start)
      if plan.ema == .trainer {
        emaDigest = try average.write(
          [made.emaOut(suffix: plan.suffix)], weights: nil,
          to: folder.ema(0, suffix: plan.suffix))
      }
    }
    let digest = try ContentDigest(of: start)
    try record([
      .averaged(
        JournalEvent.Average(
          episode: 0, sha256: digest.sha256, emaSHA256: emaDigest, seconds: 0))
    ])
  }

  private mutating func perform(episode: Int) async throws {
    // Evaluations of the episode before, when a runner went away in between.
    try await evaluate(episode: episode - 1)
    let history = run.history
    try tensorboard?.update(history, through: episode - 1)
    try checkFreeSpace()
    try Folder.createAll(folder.episode(episode))
    let starts = try episodeStarts(episode)
    try await scheduler.perform(try (1...plan.members).map { try trainJob(episode, member: $0) })
    for file in starts where (try? file.checkUnchanged()) == nil {
      throw RunError(
        .badInput,
        "\(file.path): a trainer has written to the weights that all members start from (its 'init')",
        hint:
          "let it write to 'out' alone, and start a new run: this one would not be what its plan says"
      )
    }
    try await writeAverages(episode)
    try await evaluate(episode: episode)
    removeWhatIsNotKept(all: false)
  }

  /// The folder of the attempt that counts.
  func winner(of task: RunTask) throws -> AttemptFolder {
    guard let number = run.history[task].winner else {
      throw RunError.damaged(RunFolder.journal(in: run.path), "\(task.text) is not finished")
    }
    return folder.attempt(AttemptID(task, number))
  }

  private mutating func evaluate(episode: Int) async throws {
    guard let evaluation = plan.evaluate, episode > 0,
      episode % evaluation.every == 0 || episode == plan.episodes
    else { return }
    var subjects: [RunTask.Subject] = []
    if evaluation.on.contains(.averages) { subjects.append(.average) }
    if evaluation.on.contains(.ema) { subjects.append(.ema) }
    if evaluation.on.contains(.members) { subjects += (1...plan.members).map { .member($0) } }
    let measured = Set(run.history.episodes[episode]?.metrics.map(\.subject) ?? [])
    let jobs = try subjects.filter { !measured.contains($0) }
      .map { try evaluationJob(episode, $0, evaluation) }
    if !jobs.isEmpty { try await scheduler.perform(jobs) }
  }

  /// θ(E), or ω(E) with a moving average.
  var result: FilePath {
    plan.ema == .off
      ? folder.average(plan.episodes, suffix: plan.suffix)
      : folder.ema(plan.episodes, suffix: plan.suffix)
  }

  private func complete() throws {
    let path = folder.final(suffix: plan.suffix)
    try Folder.copyAll(result, to: path)
    try record([.completed(sha256: try ContentDigest(of: path).sha256)])
  }
}

extension Duration {
  var secondCount: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
