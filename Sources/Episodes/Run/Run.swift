import Checkpoints
public import FileIO
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
  private let lock: OwnerLock

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
    path: FilePath, plan: Plan, workingFolder: FilePath, journal: Journal, lock: OwnerLock
  ) {
    self.path = path
    self.plan = plan
    self.workingFolder = workingFolder
    self.journal = journal
    self.lock = lock
    folder = RunFolder(path, episodes: plan.episodes)
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
    if isStarted(path) { throw RunError.exists(path) }
    if FileStatus(of: path) != nil, !Folder.isEmpty(path), !isUnfinishedStart(path) {
      throw RunError.taken(path)
    }
    try Folder.createAll(path)
    let lock = try lock(path)
    if isStarted(path) { throw RunError.exists(path) }
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
          folder: folder.string, planDigest: planDigest, settings: settings.map(\.text),
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
    guard isStarted(path) else { throw RunError.noRun(path) }
    if let setting = settings.first(where: { !$0.keepsResult }) {
      throw RunError(
        .usage, "--set \(setting.text): '\(setting.key)' is fixed for the run",
        hint: "what may change is " + Plan.Setting.changeable.joined(separator: ", "))
    }
    let lock = try lock(path)
    let journal = try Journal(path)
    let (plan, folder) = try frozenPlan(path, journal.history, settings: settings)
    guard FileStatus(of: folder)?.kind == .folder else {
      throw RunError(
        .missingInput, "\(folder): the folder of the plan, in which its commands run, is not there",
        hint: "it was moved: move it back, or put a symbolic link to it in its place")
    }
    let changed = ProgramDigests.changed(
      ProgramDigests.of(plan, in: folder), since: journal.history.programs)
    if journal.history.phase != .completed || !settings.isEmpty {
      try journal.record([.resumed(settings: settings.map(\.text), programs: changed)])
    }
    let run = Run(path: path, plan: plan, workingFolder: folder, journal: journal, lock: lock)
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
    let plan = try Plan(
      parsing: bytes, path: planPath, folder: FilePath(start.folder), settings: all)
    return (start.isRehearsal ? plan.rehearsed() : plan, FilePath(start.folder))
  }

  /// Who works on a run; nil when nobody does.
  public static func owner(of path: FilePath) -> ProcessIdentity? {
    let bytes = (try? SmallFile.read(RunFolder.lock(in: path))) ?? []
    guard let note = LockNote(String(decoding: bytes, as: UTF8.self)) else { return nil }
    return note.process.isRunning ? note.process : nil
  }

  private static func lock(_ path: FilePath) throws -> OwnerLock {
    let file = RunFolder.lock(in: path)
    let note = LockNote(process: .current, host: CurrentProcess.hostName)
    if let lock = try OwnerLock(file, note: note.text) { return lock }
    let bytes = try SmallFile.read(file) ?? []
    let found = LockNote(String(decoding: bytes, as: UTF8.self))
    throw RunError.inUse(
      path, by: found.map { "process \($0.process.number) on \($0.host)" } ?? "another process")
  }

  /// Whether the journal has a line.
  static func isStarted(_ path: FilePath) -> Bool {
    (FileStatus(of: RunFolder.journal(in: path))?.size ?? 0) > 0
  }

  /// A start that did not come as far as the first line of the journal.
  private static func isUnfinishedStart(_ path: FilePath) -> Bool {
    let names = (try? Folder.names(in: path)) ?? []
    return names.allSatisfy {
      ["lock", "plan.yaml", "journal.jsonl"].contains($0) || $0.hasSuffix(".imwa-partial")
    }
  }
}

/// Who holds the lock on a run.
private struct LockNote {
  let process: ProcessIdentity
  let host: String

  var text: String { "\(process.number) \(process.start) \(process.boot) \(host)\n" }

  init(process: ProcessIdentity, host: String) {
    self.process = process
    self.host = host
  }

  init?(_ text: String) {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 4, let number = Int32(words[0]), let start = UInt64(words[1]) else {
      return nil
    }
    process = ProcessIdentity(number: number, start: start, boot: String(words[2]))
    host = String(words[3])
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
