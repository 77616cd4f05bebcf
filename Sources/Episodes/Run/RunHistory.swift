import FileIO
import JSONText
public import SystemPackage
import TensorCore

/// What the journal of a run says, by episode.
public struct RunHistory: Sendable {
  /// What happened to a task.
  public struct TaskRecord: Sendable {
    /// The attempt that counts.
    public var winner: Int?
    /// The largest number of an attempt.
    public var lastAttempt = 0
    /// Attempts that were submitted, and of which no end is known.
    public var open: Set<Int> = []
    /// Attempts that do not count.
    public var failed: Set<Int> = []
    /// When the last attempt was submitted, in seconds since 1970.
    public var submitted: Double?
    /// How often it failed since the run was last started or resumed.
    public var failures = 0
    /// How often it was lost since then.
    public var losses = 0
    /// How long the attempt that counts ran.
    public var seconds: Double?
    /// Its last loss, when it told one.
    public var loss: Double?
    /// The losses on the way; nil when it told none.
    public var curve: TrainingCurve?
    /// The files that it made.
    public var outputs: [ExitRecord.Output] = []
    /// Why the last attempt failed.
    public var lastFailure: String?
  }

  /// What happened in an episode; 0 is what was before the first.
  public struct Episode: Sendable {
    /// The tasks by name.
    public var tasks: [String: TaskRecord] = [:]
    /// Its average.
    public var average: JournalEvent.Average?
    /// What was measured.
    public var metrics: [JournalEvent.Metric] = []
    /// When its first attempt was submitted and when it was averaged, in seconds since 1970.
    public var began: Double?
    /// When it was averaged.
    public var ended: Double?
    /// When the last of it was measured.
    public var measured: Double?

    /// How long evaluation took; nil when nothing was measured.
    public var evaluationSeconds: Double? {
      // When a runner went away in between, it was begun anew.
      let begun = tasks.filter { $0.key.hasPrefix("evaluate") }.compactMap(\.value.submitted).min()
      guard let measured, let begun, measured >= begun else { return nil }
      return measured - begun
    }
  }

  /// Whether it runs.
  public enum Phase: Sendable, Hashable {
    case underWay
    case stopped(reason: String)
    case completed
  }

  /// What it was started with.
  public private(set) var start: JournalEvent.Start?
  /// When it was started, in seconds since 1970.
  public private(set) var startTime = 0.0
  /// When the last line was written.
  public private(set) var lastTime = 0.0
  /// Keys that were given other values later.
  public private(set) var laterSettings: [String] = []
  /// The programs and scripts of the plan's commands as they were last seen, and the SHA-256 of each.
  public private(set) var programs: [String: String] = [:]
  /// The episodes by number.
  public private(set) var episodes: [Int: Episode] = [:]
  /// Whether it runs, as far as the journal tells.
  public private(set) var phase = Phase.underWay
  /// How often it was resumed.
  public private(set) var resumeCount = 0
  /// How many attempts failed, and how many were lost, over the whole run.
  public private(set) var failureCount = 0
  /// Why the run was complete before its last episode; nil when it was not.
  public private(set) var endReason: String?
  /// The SHA-256 of the result.
  public private(set) var finalDigest: String?

  /// A history of nothing.
  public init() {}

  /// Reads a journal; what is behind its last line end was not written completely and does not count.
  ///
  /// - Throws: `RunError` for a line that is damaged, `FileError`.
  public init(contentsOf path: FilePath) throws {
    for (number, line) in JournalLines(try SmallFile.read(path, maximumSize: Int.max) ?? []) {
      switch JournalLine(line) {
      case .event(let event, let time): add(event, time: time)
      case .blank, .unknown: continue
      case .damaged:
        throw RunError(
          .badInput, "\(path): line \(number) cannot be read",
          hint:
            "'imwa-run repair \(path.removingLastComponent())' keeps what can be read and proved")
      }
    }
  }

  /// The last episode whose average is written; 0 when that is the start, -1 when not even that is.
  public var lastComplete: Int { completed }
  private var completed = -1

  /// What happened to a task.
  public subscript(task: RunTask) -> TaskRecord {
    episodes[task.episode]?.tasks[task.name] ?? TaskRecord()
  }

  /// Takes in what happened.
  mutating func add(_ event: JournalEvent, time: Double) {
    lastTime = time
    switch event {
    case .started(let start):
      self.start = start
      startTime = time
      programs = start.programs
    case .resumed(let settings, let changed):
      laterSettings += settings
      programs.merge(changed) { $1 }
      resumeCount += 1
      phase = .underWay
      forgetFailures()
    case .submitted(let attempt):
      change(attempt.task) { task in
        task.lastAttempt = max(task.lastAttempt, attempt.number)
        task.open.insert(attempt.number)
        task.submitted = time
      }
      let episode = attempt.task.episode
      if episodes[episode, default: Episode()].began == nil { episodes[episode]?.began = time }
    case .finished(let attempt, let seconds, let outputs, let loss):
      change(attempt.task) { task in
        task.open.remove(attempt.number)
        task.winner = task.winner ?? attempt.number
        (task.seconds, task.outputs, task.loss) = (seconds, outputs, loss)
      }
    case .curve(let attempt, let curve): change(attempt.task) { $0.curve = curve }
    case .failed(let attempt, let cause, let reason):
      change(attempt.task) { task in
        task.open.remove(attempt.number)
        task.failed.insert(attempt.number)
        task.lastFailure = reason
        // A repair found that its files are not what was checked any more.
        if task.winner == attempt.number { (task.winner, task.outputs) = (nil, []) }
        if cause == .lost { task.losses += 1 }
        if [.failed, .timeout, .heartbeat].contains(cause) { task.failures += 1 }
      }
      if cause != .cancelled { failureCount += 1 }
    case .averaged(let average):
      episodes[average.episode, default: Episode()].average = average
      episodes[average.episode]?.ended = time
      completed = max(completed, average.episode)
    case .measured(let metric):
      episodes[metric.episode, default: Episode()].metrics.removeAll {
        $0.subject == metric.subject
      }
      episodes[metric.episode]?.metrics.append(metric)
      episodes[metric.episode]?.measured = time
    case .stopped(let reason): phase = .stopped(reason: reason)
    case .completed(let digest, let reason):
      phase = .completed
      finalDigest = digest
      endReason = reason
    }
  }

  /// Whoever resumes a run has removed the cause of failures, or wants to try again.
  private mutating func forgetFailures() {
    for episode in [completed, completed + 1] where episode >= 0 {
      for name in episodes[episode]?.tasks.keys.sorted() ?? [] {
        episodes[episode]?.tasks[name]?.failures = 0
        episodes[episode]?.tasks[name]?.losses = 0
      }
    }
  }

  private mutating func change(_ task: RunTask, _ body: (inout TaskRecord) -> Void) {
    body(&episodes[task.episode, default: Episode()].tasks[task.name, default: TaskRecord()])
  }
}
