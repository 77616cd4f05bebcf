import FileIO
import Synchronization
public import SystemPackage
import TensorCore
import YAMLText

/// A run of two iterations that goes through everything that the whole run does: the start, two members in two
/// episodes, what is judged, averages, evaluation, and resuming.
public struct Rehearsal {
  private let plan: FilePath
  private let folder: FilePath
  private let settings: [Plan.Setting]

  /// The variable that tells commands that they are rehearsed.
  static let variable = "IMWA_REHEARSAL"
  /// What a rehearsal may cost when nobody has asked for it.
  private static let longestUnasked = Duration.seconds(60)

  /// What was rehearsed.
  public struct Outcome: Sendable {
    /// What a user should know.
    public let notices: [String]
    /// How long it took.
    public let seconds: Double
  }

  /// Rehearses a plan in a new folder, or in that of an earlier rehearsal.
  public init(plan: FilePath, in folder: FilePath, settings: [Plan.Setting]) {
    self.plan = plan
    self.folder = Folder.absolute(folder)
    self.settings = settings
  }

  /// Whether a rehearsal costs little against an episode: its two iterations are few among those of one.
  public static func isCheap(_ plan: Plan) -> Bool { plan.iterations / plan.episodes >= 50 }

  /// Does it; the folder stays when something failed, for its logs.
  ///
  /// - Parameter interruption: asked often: the signal that should end the work, nil to go on.
  /// - Throws: `RunError` that says what failed, `PlanError`, errors of checkpoints and files.
  public func perform(
    with executor: any MemberExecutor, interruption: @escaping @Sendable () -> Int32?
  ) async throws -> Outcome {
    let start = ContinuousClock.now
    let observer = NoticeCollector()
    try removeEarlier()
    do {
      try await runFirstEpisode(executor, observer, interruption)
      let run = try Run.resume(folder, settings: [])
      var runner = EpisodeRunner(
        run, executor: executor, observer: observer, interruption: interruption)
      try await runner.perform()
      try checkMetrics(run.history)
      Folder.removeAll(folder)
      return Outcome(
        notices: observer.notices, seconds: (ContinuousClock.now - start).secondCount)
    } catch let error as RunError {
      if case .interrupted = error.kind { Folder.removeAll(folder) }
      throw error.inRehearsal(folder)
    }
  }

  /// Does it within a minute.
  ///
  /// - Returns: nil when the minute was over.
  /// - Throws: as `perform`.
  public func performUnasked(
    with executor: any MemberExecutor, interruption: @escaping @Sendable () -> Int32?
  ) async throws -> Outcome? {
    let limit = ContinuousClock.now + Rehearsal.longestUnasked
    do {
      return try await perform(with: executor) {
        interruption() ?? (ContinuousClock.now > limit ? Rehearsal.timeIsOver : nil)
      }
    } catch let error as RunError where error.kind == .interrupted(signal: Rehearsal.timeIsOver) {
      return nil
    }
  }

  /// No signal has this number.
  private static let timeIsOver: Int32 = 0

  private func runFirstEpisode(
    _ executor: any MemberExecutor, _ observer: any RunObserver,
    _ interruption: @escaping @Sendable () -> Int32?
  ) async throws {
    let run = try Run.start(plan: plan, in: folder, settings: settings, isRehearsal: true)
    var runner = EpisodeRunner(
      run, executor: executor, observer: observer, interruption: interruption)
    try await runner.perform(through: 1)
  }

  /// Evaluations that fail do not end a rehearsal, so that what else fails is found with them.
  private func checkMetrics(_ history: RunHistory) throws(RunError) {
    var problems: [String] = []
    for (_, episode) in history.episodes.sorted(by: { $0.key < $1.key }) {
      for metric in episode.metrics {
        guard let problem = metric.problem else { continue }
        let text = "evaluation of \(metric.subject.name): \(problem)"
        if !problems.contains(text) { problems.append(text) }
      }
    }
    if !problems.isEmpty { throw RunError(.badInput, problems.joined(separator: "\n  ")) }
  }

  /// Removes what an earlier rehearsal left; another run stays, and is in the way.
  private func removeEarlier() throws {
    guard RunFolder.isStarted(folder) else { return }
    let history = try RunHistory(contentsOf: RunFolder.journal(in: folder))
    if history.start?.isRehearsal == true { Folder.removeAll(folder) }
  }
}

extension Plan {
  /// The plan with as little of everything as shows whether it works.
  func rehearsed() -> Plan {
    var plan = self
    plan.totalIterations = iterations
    (plan.episodes, plan.iterations, plan.warmStart) = (2, 2, min(warmStart, 1))
    plan.members = min(members, 2)
    plan.memberSettings = Array(memberSettings.prefix(plan.members))
    if members > plan.members { plan.average.weights = nil }
    plan.parallel = min(parallel, plan.members)
    (plan.attempts, plan.backoff) = (1, 0)
    (plan.keepAverages, plan.keepMembers) = (.all, .all)
    (plan.tensorboard, plan.notify, plan.stop) = (false, nil, nil)
    plan.evaluate?.every = 1
    plan.evaluate?.failure = .note
    plan.environment.append(
      Variable(
        name: Rehearsal.variable,
        value: CommandTemplate(words: ["1"], at: YAMLNode.Place(line: 1, column: 1))))
    return plan
  }
}

/// Keeps what a user should know for later.
private final class NoticeCollector: RunObserver {
  private let texts = Mutex<[String]>([])

  var notices: [String] { texts.withLock { $0 } }

  func happened(_ event: JournalEvent, in history: RunHistory) {}
  func notice(_ text: String) { texts.withLock { $0.append(text) } }
  func isWorking(_ attempts: [ActiveAttempt], in history: RunHistory) {}
}

extension RunError {
  /// The error with the way out of a rehearsal.
  fileprivate func inRehearsal(_ folder: FilePath) -> RunError {
    if case .interrupted = kind { return RunError(kind, "the rehearsal was stopped") }
    return RunError(
      kind, "the rehearsal failed: \(description)",
      hint:
        "nothing was started; its files are in \(folder), which the next rehearsal replaces; 'imwa-run "
        + "start --no-try' starts without one")
  }
}
