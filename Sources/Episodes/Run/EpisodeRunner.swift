import Checkpoints
import FileIO
import Plotting
import SystemPackage
import TensorCore

/// Runs the episodes of a run to the end: trains the members, averages them, and hands the average to the next
/// episode (IMWA, Huang et al. 2024, algorithm 1; with a moving average equations 7 to 9).
public struct EpisodeRunner {
  let run: Run
  let observer: any RunObserver
  let average: EpisodeAverage
  /// What is known of the files that the run goes on from.
  let contents = CheckedContents()
  let interruption: @Sendable () -> Int32?
  var scheduler: JobScheduler
  let notifier: RunNotifier
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
      batchNorm: run.plan.average.batchNorm, integers: run.plan.average.integers,
      interruption: interruption)
    notifier = RunNotifier(run, observer: observer)
    scheduler = JobScheduler(
      run: run, executor: executor, observer: observer, interruption: interruption)
  }

  var plan: Plan { run.plan }
  var folder: RunFolder { run.folder }

  /// Does what is left to do.
  ///
  /// - Throws: `RunError` when it is interrupted or a member fails for good; errors of checkpoints and files.
  ///
  /// - Parameter last: the episode after which it is left as it is, to be resumed; nil for the end of the run.
  public mutating func perform(through last: Int? = nil) async throws {
    if run.history.phase == .completed, run.resumption == nil { return try restoreResult() }
    defer { run.stopRequest.remove() }
    do {
      // On a full disk there is no room for a line of the journal before.
      removeWhatIsNotKept(all: run.resumption?.changesSettings ?? false)
      if let resumption = run.resumption {
        try record([
          .resumed(settings: resumption.settings, programs: resumption.programs)
        ])
      }
      try await scheduler.executor.check()
      if run.history.lastComplete >= 0 { try checkAverage(run.history.lastComplete) }
      if plan.tensorboard {
        tensorboard = try TensorBoardLog(folder.tensorboard, plan: plan, history: run.history)
      }
      if run.history.lastComplete < 0 { try await begin() }
      var reason = try await concludeEpisode()
      while run.history.lastComplete < last ?? plan.episodes, reason == nil {
        try await perform(episode: run.history.lastComplete + 1)
        reason = try await concludeEpisode()
      }
      if let last, last < plan.episodes { return }
      try complete(reason: run.history.lastComplete < plan.episodes ? reason : nil)
    } catch {
      let reason = EpisodeRunner.reason(error)
      try? record([.stopped(reason: reason)])
      if interruption() == nil { notifier.send(.failed, message: reason) }
      notifier.finish()
      throw error
    }
  }

  /// Measures the last episode, or the start, unless that was done before, and removes what is not kept then.
  ///
  /// - Returns: why the run ends with it; nil when it goes on.
  private mutating func concludeEpisode() async throws -> String? {
    let best = MetricHistory(run.history, plan: plan).best
    try await evaluate(episode: run.history.lastComplete)
    let (history, last) = (run.history, run.history.lastComplete)
    try tensorboard?.update(history, through: last)
    let metrics = MetricHistory(history, plan: plan)
    if let before = best, let now = metrics.best, now != before { notifier.send(now) }
    removeWhatIsNotKept(all: false, formerBest: best?.episode)
    guard let stop = plan.stop else { return nil }
    let watched = MetricHistory(history, plan: plan, name: stop.metric, mode: stop.mode)
    let count = watched.episodesWithoutGain
    guard count >= stop.after, let value = watched.best else { return nil }
    let name = stop.metric ?? plan.evaluate?.metric ?? ""
    return
      "no better '\(name)' than \(NumberText.short(value.value)) of episode \(value.episode) in \(count) "
      + "measured episodes"
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
    case .file(let path): try copyInitial(path, to: initial)
    case .command:
      try await scheduler.perform([try initialJob()])
      try copyInitial(try winner(of: .initial).out(suffix: plan.suffix), to: initial)
    }
    var emaDigest: String?
    if plan.warmStart > 0 {
      try await scheduler.perform([try warmStartJob()])
      let made = try winner(of: .warmStart)
      let record = run.history[.warmStart]
      func input(_ file: TrainerFile) -> [EpisodeAverage.Input] {
        [
          EpisodeAverage.Input(
            path: made.path(of: file, plan), sha256: record.output(file)?.sha256)
        ]
      }
      _ = try average.write(input(.out), weights: nil, to: start)
      if plan.ema == .trainer {
        emaDigest =
          try average.write(
            input(.emaOut), weights: nil, to: folder.ema(0, suffix: plan.suffix)
          ).sha256
      }
    }
    let digest = try OutputDigest(of: start)
    contents.note(start, digest)
    try record([
      .averaged(
        JournalEvent.Average(
          episode: 0, sha256: digest.sha256, emaSHA256: emaDigest, seconds: 0))
    ])
  }

  /// Copies the first weights; an optimizer's state among them is left out, as in every average: what a
  /// trainer finds in its first episode, it must find in all.
  private func copyInitial(_ source: FilePath, to path: FilePath) throws {
    let count = try EpisodeAverage.optimizerTensorCount(
      in: try CheckpointReader(opening: source))
    guard count > 0 else { return try Folder.copyAll(source, to: path) }
    // What a plan names was looked at before the start.
    if case .command = plan.initial { observer.notice(PlanNotes.optimizerState(count)) }
    _ = try average.write(
      [EpisodeAverage.Input(path: source, sha256: nil)], weights: nil, to: path)
  }

  private mutating func perform(episode: Int) async throws {
    try checkFreeSpace()
    try Folder.createAll(folder.episode(episode))
    let starts = try episodeStarts(episode)
    do {
      try await scheduler.perform(try (1...plan.members).map { try trainJob(episode, member: $0) })
    } catch {
      // Whatever it led to, this is the cause.
      try checkStarts(starts)
      throw error
    }
    try checkStarts(starts)
    try await writeAverages(episode)
  }

  private func checkStarts(_ starts: [ReadableFile]) throws(RunError) {
    for file in starts where (try? file.checkUnchanged()) == nil {
      throw RunError(
        .badInput,
        "\(file.path): a trainer has written to the weights that all members start from (its 'init')",
        hint:
          "let it write to 'out' alone, and start a new run: this one would not be what its plan says"
      )
    }
  }

  /// The folder of the attempt that counts.
  func winner(of task: RunTask) throws -> AttemptFolder {
    guard let number = run.history[task].winner else {
      throw RunError.damaged(RunFolder.journal(in: run.path), "\(task.text) is not finished")
    }
    return folder.attempt(AttemptID(task, number))
  }

  /// The average or moving average that is the result: that of the last episode, or the best one.
  var result: FilePath {
    let last = run.history.lastComplete
    if plan.select == .best, let best = MetricHistory(run.history, plan: plan).best {
      return best.subject == .ema
        ? folder.ema(best.episode, suffix: plan.suffix)
        : folder.average(best.episode, suffix: plan.suffix)
    }
    return plan.ema == .off
      ? folder.average(last, suffix: plan.suffix) : folder.ema(last, suffix: plan.suffix)
  }

  private func complete(reason: String?) throws {
    let path = folder.final(suffix: plan.suffix)
    try Folder.copyAll(result, to: path)
    try record([.completed(sha256: try OutputDigest(of: path).sha256, reason: reason)])
    let count = run.history.lastComplete
    notifier.send(
      .finished, message: reason ?? "\(count) of \(plan.episodes) episodes", file: path)
    notifier.finish()
  }
}

extension Duration {
  var secondCount: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
