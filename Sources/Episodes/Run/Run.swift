import Checkpoints
import FileIO
public import SystemPackage
import TensorCore
import YAMLText

/// A run that this process works on: its folder, its plan, its journal, and the lock on it.
public final class Run {
  /// The folder.
  public let path: FilePath
  /// The plan, with the values that were given later.
  public let plan: Plan
  /// The folder that commands start in: that of the plan.
  public let workingFolder: FilePath
  /// Where things are.
  public let folder: RunFolder
  let journal: Journal
  /// Where others ask this process to stop.
  public let stopRequest: StopRequest
  /// The values that it was resumed with; nil when it was started, or is complete.
  let resumption: Resumption?

  /// What has changed since a run was last worked on.
  struct Resumption {
    /// Keys with other values.
    let settings: [String]
    /// The SHA-256 of programs and scripts that are not what they were.
    let programs: [String: String]

    var changesSettings: Bool { !settings.isEmpty }
  }

  /// Nil for a complete run that is only looked at, because its folder cannot be written to.
  private let lock: OwnerLock?

  /// What happened so far.
  public var history: RunHistory { journal.history }
  /// Eight hexadecimal digits that tell this run from others.
  public var id: String { history.start?.run ?? "" }

  /// The programs and scripts that are not what they were when the run was last worked on.
  public private(set) var changedPrograms: [String] = []

  /// What a user should know before the run goes on; nil when there is nothing.
  ///
  /// - Throws: `RunError` when the built-in trainer does not tell its kernels, `FileError`.
  public func kernelNotice() throws -> String? {
    guard let trainer = plan.builtInTrainer, let pinned = history.start?.kernels else { return nil }
    let name = try TrainerKernels.name(trainer, pinned: pinned, scratch: path)
    if name == pinned { return nil }
    return
      "the run was started with the matrix kernels '\(pinned)', which this processor does not run; "
      + "with '\(name)' the last bits of the result will be others"
  }

  private init(
    path: FilePath, plan: Plan, workingFolder: FilePath, journal: Journal, lock: OwnerLock?,
    resumption: Resumption? = nil
  ) {
    self.path = path
    self.plan = plan
    self.workingFolder = workingFolder
    self.journal = journal
    self.lock = lock
    self.resumption = resumption
    folder = RunFolder(path, episodes: plan.episodes)
    stopRequest = StopRequest(path)
    // Whoever asked an earlier runner did not mean this one.
    if lock != nil { stopRequest.remove() }
  }

  /// Starts a run: checks the plan, makes the folder and freezes the plan in it.
  ///
  /// - Throws: `PlanError`, `RunError` when there is a run already, `FileError`.
  public static func start(
    plan planPath: FilePath, in path: FilePath, settings: [Plan.Setting], isRehearsal: Bool = false
  ) throws -> Run {
    let planPath = Folder.absolute(planPath)
    let path = Folder.absolute(path)
    let (whole, bytes) = try Plan.read(planPath, settings: settings)
    let plan = isRehearsal ? whole.rehearsed() : whole
    try plan.checkFiles(planPath)
    if case .file(let initial) = plan.initial, Folder.contains(initial, path) {
      let problem = YAMLProblem(
        plan.initialPlace, "init: the run's folder \(path) would lie in the folder \(initial)")
      throw PlanError(path: planPath, problems: [problem])
    }
    if RunFolder.isStarted(path) { throw RunError.exists(path) }
    if !isFree(path) { throw RunError.taken(path) }
    try Folder.createAll(path)
    let lock = try lock(path)
    if RunFolder.isStarted(path) { throw RunError.exists(path) }
    try SmallFile.write(bytes, to: RunFolder.plan(in: path))
    var digest = SHA256()
    digest.update(bytes)
    let planDigest = digest.finalized()
    var identity = SHA256()
    identity.update(Array("\(path) \(WallClock.now) \(ProcessIdentity.current)".utf8))
    let folder = planPath.removingLastComponent()
    let journal = try Journal(path)
    try journal.record([
      .started(
        JournalEvent.Start(
          run: String(identity.finalized().prefix(8)), version: Provenance.toolkitVersion,
          folder: folder.string, place: ProjectPlace(of: planPath, seenFrom: path).text,
          planDigest: planDigest, settings: settings.map(\.text),
          kernels: try plan.builtInTrainer.map {
            try TrainerKernels.name($0, pinned: nil, scratch: path)
          }, programs: ProgramDigests.of(plan, in: folder),
          isRehearsal: isRehearsal))
    ])
    return Run(path: path, plan: plan, workingFolder: folder, journal: journal, lock: lock)
  }

  /// Takes up a run that was started before.
  ///
  /// - Parameter settings: keys with other values, which must not change the result.
  /// - Throws: `RunError` when it is being worked on, `PlanError`, `FileError`.
  public static func resume(_ path: FilePath, settings: [Plan.Setting]) throws -> Run {
    let path = Folder.absolute(path)
    guard RunFolder.isStarted(path) else { throw RunError.noRun(path) }
    if let setting = settings.first(where: { !$0.keepsResult }) {
      throw RunError(
        .usage, "--set \(setting.text): '\(setting.key)' is fixed for the run",
        hint: "what may change is " + Plan.Setting.changeable.joined(separator: ", "))
    }
    let lock: OwnerLock
    do {
      lock = try self.lock(path)
    } catch let error as FileError where settings.isEmpty {
      // There is nothing to do for a complete run, and so nothing to lock.
      guard let journal = try Journal(complete: path) else { throw error }
      let (plan, folder) = try frozenPlan(path, journal.history)
      return Run(path: path, plan: plan, workingFolder: folder, journal: journal, lock: nil)
    }
    let journal = try Journal(path)
    let (plan, folder) = try frozenPlan(path, journal.history, settings: settings)
    let isComplete = journal.history.phase == .completed && settings.isEmpty
    guard isComplete || FileStatus(of: folder)?.kind == .folder else {
      throw RunError(
        .missingInput, "\(folder): the folder of the plan, in which its commands run, is not there",
        hint: "it was moved: move it back, or put a symbolic link to it in its place")
    }
    let changed = ProgramDigests.changed(
      ProgramDigests.of(plan, in: folder), since: journal.history.programs)
    let run = Run(
      path: path, plan: plan, workingFolder: folder, journal: journal, lock: lock,
      resumption: isComplete
        ? nil : Resumption(settings: settings.map(\.text), programs: changed))
    run.changedPrograms = changed.keys.sorted()
    return run
  }

  /// The plan of a run as it stands, and the folder that commands start in.
  ///
  /// - Throws: `RunError` when the plan was changed, `PlanError`, `FileError`.
  public static func frozenPlan(
    _ path: FilePath, _ history: RunHistory, settings: [Plan.Setting] = []
  ) throws -> (plan: Plan, folder: FilePath) {
    guard let start = history.start else { throw RunError.noRun(path) }
    let planPath = RunFolder.plan(in: path)
    guard let bytes = try SmallFile.read(planPath) else {
      throw RunError(
        .missingInput, "\(planPath): the plan that the run was started with is missing",
        hint: "put it back, or start a new run")
    }
    var digest = SHA256()
    digest.update(bytes)
    guard digest.finalized() == start.planDigest else {
      throw RunError(
        .badInput, "\(planPath): it is not the plan that the run was started with",
        hint: "put it back, or start a new run; 'imwa-run resume --set' changes what may change")
    }
    let all = (start.settings + history.laterSettings).compactMap { Plan.Setting($0) } + settings
    let folder = ProjectPlace(start.place).folder(ofRun: path, startedIn: FilePath(start.folder))
    let plan = try Plan(parsing: bytes, path: planPath, folder: folder, settings: all)
    return (start.isRehearsal ? plan.rehearsed() : plan, folder)
  }

  /// What a user should know of where commands run: the project was moved or copied since the start.
  public var placeNotice: String? {
    guard let start = history.start, workingFolder.string != start.folder else { return nil }
    return
      "commands run in \(workingFolder): the run was started in \(start.folder), and moved or copied since"
  }

  /// Takes the lock of a run.
  static func lock(_ path: FilePath) throws -> OwnerLock {
    if let lock = try OwnerLock(RunFolder.lock(in: path), note: RunOwner.note) { return lock }
    throw RunError.inUse(path, by: RunOwner(of: path)?.text ?? "another process")
  }

  /// Whether a run can be started in a folder: there is none, or nothing but what a start leaves that did not come far.
  public static func isFree(_ path: FilePath) -> Bool {
    FileStatus(of: path) == nil || Folder.isEmpty(path)
      || (!RunFolder.isStarted(path) && isUnfinishedStart(path))
  }

  /// A start that did not come as far as the first line of the journal.
  private static func isUnfinishedStart(_ path: FilePath) -> Bool {
    let names = (try? Folder.names(in: path)) ?? []
    return names.allSatisfy {
      ["lock", "plan.yaml", "journal.jsonl", "runner.log", "stop"].contains($0)
        || $0.hasSuffix(".imwa-partial")
    }
  }
}

extension Plan.Setting {
  /// The keys that change how a run goes, but not what comes out.
  public static let changeable = [
    "attempts", "timeout", "heartbeat", "grace", "executor", "keep", "tensorboard", "evaluate",
    "backoff", "notify", "require_change", "require_difference",
  ]

  /// Whether the result stays the same.
  var keepsResult: Bool {
    Plan.Setting.changeable.contains { key == $0 || key.hasPrefix($0 + ".") }
  }
}
