import FileIO
import JSONText
public import SystemPackage

/// Where a run stands: its plan, its journal, and what its attempts say at this moment.
public struct RunStatus: Sendable {
  /// A member that trains, or another attempt under way.
  public struct Working: Sendable {
    /// Which attempt it is.
    public let id: AttemptID
    /// How far it is; nil when it does not tell.
    public let progress: TrainingProgress?
    /// Its iterations; nil for what is no training.
    public let iterations: Range<Int>?
    /// When it began, in seconds since 1970.
    public let began: Double?
    /// Whether a process runs it.
    public let isRunning: Bool
    /// The machine that it runs on, when that is not this one.
    public let elsewhere: String?

    /// Iterations per second since it began.
    public func rate(at time: Double) -> Double? {
      guard let began, let iterations, let iteration = progress?.iteration, time > began,
        iteration > iterations.lowerBound
      else { return nil }
      return Double(iteration - iterations.lowerBound) / (time - began)
    }

    /// The part that is done, from 0 to 1.
    public var fraction: Double? {
      guard let iterations, let iteration = progress?.iteration, !iterations.isEmpty else {
        return nil
      }
      return min(1, max(0, Double(iteration - iterations.lowerBound) / Double(iterations.count)))
    }
  }

  /// Whether the run moves.
  public enum State: String, Sendable {
    case running
    case stopped
    /// Nobody works on it, although nobody stopped it.
    case interrupted
    case completed
  }

  /// The folder.
  public let path: FilePath
  /// The plan.
  public let plan: Plan
  /// What happened.
  public let history: RunHistory
  /// Whether the run moves.
  public let state: State
  /// What is under way.
  public let working: [Working]
  /// When this was looked at, in seconds since 1970.
  public let time: Double

  /// Looks at a run from outside.
  ///
  /// - Throws: `RunError` for a folder without a run, `PlanError`, `FileError`.
  public init(of path: FilePath) throws {
    let path = Folder.absolute(path)
    guard RunFolder.isStarted(path) else { throw RunError.noRun(path) }
    let history = try RunHistory(contentsOf: RunFolder.journal(in: path))
    let plan = try Run.frozenPlan(path, history).plan
    let isOwned = RunOwner(of: path) != nil
    self.init(path: path, plan: plan, history: history, isOwned: isOwned)
  }

  /// Looks at a run that this process works on, unless it says otherwise.
  public init(path: FilePath, plan: Plan, history: RunHistory, isOwned: Bool = true) {
    self.path = path
    self.plan = plan
    self.history = history
    time = WallClock.now
    switch history.phase {
    case .completed: state = .completed
    case _ where isOwned: state = .running
    case .stopped: state = .stopped
    case .underWay: state = .interrupted
    }
    let folder = RunFolder(path, episodes: plan.episodes)
    let current = [history.lastComplete, history.lastComplete + 1]
    working = current.flatMap { episode -> [Working] in
      let tasks = history.episodes[episode]?.tasks ?? [:]
      return tasks.compactMap { name, record in
        RunTask(episode: episode, name: name).map { (task: $0, record: record) }
      }.sorted { $0.task.order < $1.task.order }.flatMap { task, record -> [Working] in
        guard record.winner == nil else { return [] }
        return record.open.sorted().map { number in
          RunStatus.look(AttemptID(task, number), folder, plan)
        }
      }
    }
  }

  private static func look(_ id: AttemptID, _ folder: RunFolder, _ plan: Plan) -> Working {
    let attempt = folder.attempt(id)
    var iterations: Range<Int>?
    if case .train(let episode, _) = id.task {
      iterations = plan.iterations(before: episode)..<plan.iterations(before: episode + 1)
    } else if case .warmStart = id.task {
      iterations = -plan.warmStart..<0
    }
    let life = AttemptLife(attempt)
    var elsewhere: String?
    if case .running(let place) = life.state { elsewhere = place }
    return Working(
      id: id, progress: TrainingProgress(attempt), iterations: iterations,
      began: life.claim?.time, isRunning: life.isRunning, elsewhere: elsewhere)
  }

  /// The seconds that are left, from how long the last episodes took; nil while that is not known.
  public var secondsLeft: Double? {
    guard state != .completed else { return 0 }
    let last = history.lastComplete
    let known = stride(from: last, to: max(0, last - 5), by: -1).compactMap { number -> Double? in
      guard let episode = history.episodes[number], let began = episode.began,
        let ended = episode.ended
      else { return nil }
      return ended - began + (episode.evaluationSeconds ?? 0)
    }
    guard !known.isEmpty else { return nil }
    let mean = known.reduce(0, +) / Double(known.count)
    var left = Double(plan.episodes - last) * mean
    if let began = history.episodes[last + 1]?.began { left -= min(mean, max(0, time - began)) }
    return left
  }

  /// The plan's metric over the episodes.
  public var metrics: MetricHistory { MetricHistory(history, plan: plan) }

  /// Where a file that was measured is; nil for one of a member that is not finished.
  public func file(of reading: MetricHistory.Reading) -> FilePath? {
    let folder = RunFolder(path, episodes: plan.episodes)
    switch reading.subject {
    case .average: return folder.average(reading.episode, suffix: plan.suffix)
    case .ema: return folder.ema(reading.episode, suffix: plan.suffix)
    case .member(let member):
      let task = RunTask.train(episode: reading.episode, member: member)
      return history[task].winner.map {
        folder.attempt(AttemptID(task, $0)).out(suffix: plan.suffix)
      }
    }
  }
}
