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
    if run.history.phase == .completed { return }
    do {
      try await scheduler.executor.check()
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
      let reason = (error as? any DiagnosedError)?.description ?? "\(error)"
      try? record([.stopped(reason: reason)])
      throw error
    }
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
    try await scheduler.perform(try (1...plan.members).map { try trainJob(episode, member: $0) })
    try await writeAverages(episode)
    try await evaluate(episode: episode)
    removeWhatIsNotKept(all: false)
  }

  private mutating func writeAverages(_ episode: Int) async throws {
    let start = ContinuousClock.now
    let members = try (1...plan.members).map { member in
      try winner(of: .train(episode: episode, member: member))
    }
    try checkDigests(episode)
    let digest = try await writeAverage(
      members.map { $0.out(suffix: plan.suffix) }, episode, isEMA: false)
    var emaDigest: String?
    switch plan.ema {
    case .off: break
    case .trainer:
      emaDigest = try await writeAverage(
        members.map { $0.emaOut(suffix: plan.suffix) }, episode, isEMA: true)
    case .checkpoints(let decay):
      emaDigest = try writeMovingAverage(episode, decay: decay)
    }
    if plan.state == .average {
      let paths = members.map { $0.stateOut(suffix: plan.stateSuffix) }
      try average.writeStates(
        paths, weights: plan.average.weights,
        to: (1...plan.members).map {
          folder.averagedState(episode, member: $0, suffix: plan.stateSuffix)
        })
    }
    let distances = try average.distances(
      members: members.map { $0.out(suffix: plan.suffix) },
      average: folder.average(episode, suffix: plan.suffix),
      episodeStart: folder.average(episode - 1, suffix: plan.suffix),
      runStart: folder.average(0, suffix: plan.suffix))
    let seconds = (ContinuousClock.now - start).secondCount
    try record([
      .averaged(
        JournalEvent.Average(
          episode: episode, sha256: digest, emaSHA256: emaDigest, seconds: seconds,
          distances: distances))
    ])
  }

  /// Averages members' weights, and recalibrates the average when the plan says so.
  private mutating func writeAverage(_ paths: [FilePath], _ episode: Int, isEMA: Bool) async throws
    -> String
  {
    let weights = plan.average.weights
    let path =
      isEMA
      ? folder.ema(episode, suffix: plan.suffix) : folder.average(episode, suffix: plan.suffix)
    guard plan.average.recalibrate != nil else {
      return try average.write(paths, weights: weights, to: path)
    }
    let raw = folder.uncalibrated(episode, isEMA: isEMA, suffix: plan.suffix)
    let task = RunTask.recalibrate(episode: episode, isEMA: isEMA)
    _ = try average.write(paths, weights: weights, to: raw)
    try await scheduler.perform([try recalibrationJob(task, of: raw)])
    try Folder.copyAll(try winner(of: task).out(suffix: plan.suffix), to: path)
    return try ContentDigest(of: path).sha256
  }

  /// ω(1) = θ(1), as a moving average over files begins; then ω(e) = λω(e−1) + (1−λ)θ(e).
  private func writeMovingAverage(_ episode: Int, decay: Double) throws -> String {
    let path = folder.ema(episode, suffix: plan.suffix)
    let current = folder.average(episode, suffix: plan.suffix)
    if episode == 1 { return try average.write([current], weights: nil, to: path) }
    return try average.write(
      folder.ema(episode - 1, suffix: plan.suffix), then: current, decay: decay, to: path)
  }

  /// What was checked must still be there: a process that was forgotten could have written to it.
  private func checkDigests(_ episode: Int) throws {
    for member in 1...plan.members {
      let task = RunTask.train(episode: episode, member: member)
      let attempt = try winner(of: task)
      for output in run.history[task].outputs where output.role != "state_out" {
        let path =
          output.role == "out"
          ? attempt.out(suffix: plan.suffix) : attempt.emaOut(suffix: plan.suffix)
        let size = ContentSize.of(path)
        guard size == output.size else {
          throw RunError.damaged(
            path, "it has \(size) bytes, but \(output.size) were written and checked")
        }
      }
    }
  }

  /// The folder of the attempt that counts.
  func winner(of task: RunTask) throws -> AttemptFolder {
    guard let number = run.history[task].winner else {
      throw RunError.damaged(RunFolder.journal(in: run.path), "\(task.text) is not finished")
    }
    return folder.attempt(AttemptID(task, number))
  }

  private func checkFreeSpace() throws {
    let previous = run.history.lastComplete
    let model = ContentSize.of(folder.average(previous, suffix: plan.suffix))
    let states = run.history.episodes[previous]?.tasks.values.reduce(0) { sum, task in
      sum + (task.outputs.first { $0.role == "state_out" }?.size ?? 0)
    }
    let copies = plan.ema == .trainer ? 2 : 1
    let needed = model * copies * (plan.members + 1) + (states ?? 0)
    guard let free = Folder.freeSpace(at: run.path), free < needed else { return }
    throw RunError.lowSpace(run.path, needed: needed, free: free)
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

  private func complete() throws {
    let last = plan.episodes
    let result =
      plan.ema == .off
      ? folder.average(last, suffix: plan.suffix) : folder.ema(last, suffix: plan.suffix)
    let path = folder.final(suffix: plan.suffix)
    try Folder.copyAll(result, to: path)
    try record([.completed(sha256: try ContentDigest(of: path).sha256)])
  }

  /// Removes the files that the plan does not keep.
  private func removeWhatIsNotKept(all: Bool) {
    let latest = run.history.lastComplete
    guard latest > 0 else { return }
    for episode in all ? Array(1...latest) : recent(latest) {
      let path = folder.episode(episode)
      if !plan.keepMembers.keeps(episode, latest: latest) { removeMembers(episode) }
      if !plan.keepAverages.keeps(episode, latest: latest) {
        for name in ["average", "average-uncalibrated", "ema", "ema-uncalibrated"] {
          Folder.removeAll(path.appending(name + plan.suffix))
        }
      }
      if episode < latest, plan.state == .average {
        for member in 1...plan.members {
          Folder.removeAll(folder.averagedState(episode, member: member, suffix: plan.stateSuffix))
        }
      }
    }
  }

  /// The episodes whose files may have become superfluous with the latest one.
  private func recent(_ latest: Int) -> [Int] {
    var episodes: Set = [latest, latest - 1]
    for keep in [plan.keepMembers, plan.keepAverages] {
      if case .last(let count) = keep { episodes.insert(latest - count) }
    }
    return episodes.filter { $0 > 0 }.sorted()
  }

  private func removeMembers(_ episode: Int) {
    for member in 1...plan.members {
      let task = RunTask.train(episode: episode, member: member)
      for number in 1...max(1, run.history[task].lastAttempt) {
        let attempt = folder.attempt(AttemptID(task, number))
        Folder.removeAll(attempt.out(suffix: plan.suffix))
        Folder.removeAll(attempt.emaOut(suffix: plan.suffix))
        Folder.removeAll(attempt.stateOut(suffix: plan.stateSuffix))
      }
    }
  }
}

/// How much room a checkpoint takes.
enum ContentSize {
  /// The bytes of a file, or of all files in a folder; 0 when there is none.
  static func of(_ path: FilePath) -> Int {
    guard let status = FileStatus(of: path) else { return 0 }
    guard status.kind == .folder else { return status.size }
    return ((try? Folder.components(in: path)) ?? []).reduce(0) { $0 + of(path.appending($1)) }
  }
}

extension Duration {
  var secondCount: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
