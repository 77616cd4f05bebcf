import JSONText

/// One thing that happened to a run; a line of its journal.
public enum JournalEvent: Sendable, Hashable {
  /// Why an attempt does not count.
  public enum Cause: String, Sendable, Hashable {
    /// The program failed, or what it made is not what it should be.
    case failed
    /// It took too long.
    case timeout
    /// It showed no sign of life.
    case heartbeat
    /// The process or the machine it ran on went away.
    case lost
    /// A user or the end of the run stopped it.
    case cancelled
    /// The executor does not take it.
    case refused
  }

  /// What a run is started with.
  public struct Start: Sendable, Hashable {
    /// Eight hexadecimal digits that tell this run from others.
    public var run: String
    /// The version of the toolkit.
    public var version: String
    /// The folder that the plan's relative paths start from, and where commands run.
    public var folder: String
    /// The path from the run's folder to the plan; nil when it was not written down.
    public var place: String?
    /// The SHA-256 of the plan.
    public var planDigest: String
    /// Keys with other values.
    public var settings: [String]
    /// The matrix kernels of the built-in trainer, which decide its bits; nil when it is not used.
    public var kernels: String?
    /// The programs and scripts of the plan's commands, and the SHA-256 of each.
    public var programs: [String: String] = [:]
    /// Whether it is a rehearsal.
    public var isRehearsal = false
  }

  /// L2 distances in an episode, over what is learned.
  public struct Distances: Sendable, Hashable {
    /// The mean over the pairs of members; nil for one member.
    public var amongMembers: Double?
    /// The mean distance of the members from the weights that the episode started from.
    public var fromEpisodeStart: Double
    /// The distance of the average from the weights that the run started from, θ(0).
    public var fromRunStart: Double
  }

  /// An average that was written.
  public struct Average: Sendable, Hashable {
    /// The episode.
    public var episode: Int
    /// The SHA-256 of the average.
    public var sha256: String
    /// The SHA-256 of the moving average; nil when there is none.
    public var emaSHA256: String?
    /// The SHA-256 of the averaged states, by member; none when states are not averaged.
    public var stateSHA256s: [String] = []
    /// How long averaging took.
    public var seconds: Double
    /// How far the models lie apart; nil before the first episode.
    public var distances: Distances?
  }

  /// A metric that was measured.
  public struct Metric: Sendable, Hashable {
    /// The episode.
    public var episode: Int
    /// Who was measured.
    public var subject: RunTask.Subject
    /// The value of what was the plan's metric then; nil when there is none.
    public var value: Double?
    /// All finite numbers that the command printed, by name.
    public var all: [String: Double]
    /// Why there is no value.
    public var problem: String?
  }

  case started(Start)
  /// - Parameter programs: those that are not what they were before, and the SHA-256 of each.
  case resumed(settings: [String], programs: [String: String] = [:])
  case submitted(AttemptID)
  /// An attempt that counts: its outputs are used, whatever another attempt of the task does.
  case finished(AttemptID, seconds: Double, outputs: [ExitRecord.Output], loss: Double?)
  /// The losses within an attempt that counts.
  case curve(AttemptID, TrainingCurve)
  case failed(AttemptID, Cause, reason: String)
  case averaged(Average)
  case measured(Metric)
  case stopped(reason: String)
  /// - Parameter reason: why before the last episode; nil after it.
  case completed(sha256: String, reason: String? = nil)
}

extension JournalEvent {
  /// The names of all events.
  static let names: Set = [
    "started", "resumed", "submitted", "finished", "curve", "failed", "averaged", "measured",
    "stopped",
    "completed",
  ]

  /// The line, without what ends it.
  func json(time: Double) -> JSONValue {
    var members = [JSONValue.Member("time", .float((time * 1000).rounded() / 1000))]
    func add(_ key: String, _ value: JSONValue) { members.append(JSONValue.Member(key, value)) }
    func add(_ event: String, _ attempt: AttemptID) {
      add("event", .string(event))
      add("episode", .integer(attempt.task.episode))
      add("task", .string(attempt.task.name))
      add("attempt", .integer(attempt.number))
    }
    switch self {
    case .started(let start):
      add("event", .string("started"))
      add("format", .integer(RunFolder.format))
      add("run", .string(start.run))
      add("version", .string(start.version))
      add("folder", .string(start.folder))
      if let place = start.place { add("plan", .string(place)) }
      add("plan_sha256", .string(start.planDigest))
      add("set", .array(start.settings.map { .string($0) }))
      if let kernels = start.kernels { add("kernels", .string(kernels)) }
      add("programs", JournalEvent.json(start.programs))
      if start.isRehearsal { add("rehearsal", .bool(true)) }
    case .resumed(let settings, let programs):
      add("event", .string("resumed"))
      add("set", .array(settings.map { .string($0) }))
      if !programs.isEmpty { add("programs", JournalEvent.json(programs)) }
    case .submitted(let attempt): add("submitted", attempt)
    case .finished(let attempt, let seconds, let outputs, let loss):
      add("finished", attempt)
      add("seconds", .float(seconds))
      add("outputs", ExitRecord.json(outputs))
      if let loss { add("loss", .float(loss)) }
    case .curve(let attempt, let curve):
      add("curve", attempt)
      add("points", curve.json)
    case .failed(let attempt, let cause, let reason):
      add("failed", attempt)
      add("cause", .string(cause.rawValue))
      add("reason", .string(reason))
    case .averaged(let average):
      add("event", .string("averaged"))
      add("episode", .integer(average.episode))
      add("sha256", .string(average.sha256))
      if let digest = average.emaSHA256 { add("ema_sha256", .string(digest)) }
      if !average.stateSHA256s.isEmpty {
        add("state_sha256", .array(average.stateSHA256s.map { .string($0) }))
      }
      add("seconds", .float((average.seconds * 1e6).rounded() / 1e6))
      if let distances = average.distances {
        if let value = distances.amongMembers { add("l2_members", .float(value)) }
        add("l2_episode_start", .float(distances.fromEpisodeStart))
        add("l2_run_start", .float(distances.fromRunStart))
      }
    case .measured(let metric):
      add("event", .string("measured"))
      add("episode", .integer(metric.episode))
      add("subject", .string(metric.subject.name))
      add("value", metric.value.map { .float($0) } ?? .null)
      if let problem = metric.problem { add("problem", .string(problem)) }
      add(
        "all",
        .object(
          metric.all.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .float($0.value)) }))
    case .stopped(let reason):
      add("event", .string("stopped"))
      add("reason", .string(reason))
    case .completed(let digest, let reason):
      add("event", .string("completed"))
      add("sha256", .string(digest))
      if let reason { add("reason", .string(reason)) }
    }
    return .object(members)
  }

  /// Reads a line; nil when it is none of ours.
  init?(_ json: JSONValue) {
    guard let event = json["event"]?.string else { return nil }
    switch event {
    case "started":
      guard let run = json["run"]?.string, let version = json["version"]?.string,
        let folder = json["folder"]?.string, let digest = json["plan_sha256"]?.string
      else { return nil }
      self = .started(
        Start(
          run: run, version: version, folder: folder, place: json["plan"]?.string,
          planDigest: digest, settings: JournalEvent.texts(json["set"]),
          kernels: json["kernels"]?.string, programs: JournalEvent.digests(json["programs"]),
          isRehearsal: json["rehearsal"] == .bool(true)))
    case "resumed":
      self = .resumed(
        settings: JournalEvent.texts(json["set"]), programs: JournalEvent.digests(json["programs"]))
    case "stopped": self = .stopped(reason: json["reason"]?.string ?? "")
    case "completed":
      self = .completed(sha256: json["sha256"]?.string ?? "", reason: json["reason"]?.string)
    case "averaged":
      guard let episode = json["episode"]?.integer, let digest = json["sha256"]?.string else {
        return nil
      }
      self = .averaged(
        Average(
          episode: episode, sha256: digest, emaSHA256: json["ema_sha256"]?.string,
          stateSHA256s: JournalEvent.texts(json["state_sha256"]),
          seconds: json["seconds"]?.double ?? 0, distances: JournalEvent.distances(json)))
    case "measured":
      guard let episode = json["episode"]?.integer,
        let subject = json["subject"]?.string.flatMap(RunTask.Subject.init(name:))
      else { return nil }
      self = .measured(
        Metric(
          episode: episode, subject: subject, value: json["value"]?.double,
          all: JournalEvent.numbers(json["all"]), problem: json["problem"]?.string))
    default:
      guard let attempt = JournalEvent.attempt(json) else { return nil }
      self.init(event, attempt, json)
    }
  }

  private init?(_ event: String, _ attempt: AttemptID, _ json: JSONValue) {
    switch event {
    case "submitted": self = .submitted(attempt)
    case "curve":
      guard let curve = TrainingCurve(json["points"]) else { return nil }
      self = .curve(attempt, curve)
    case "finished":
      self = .finished(
        attempt, seconds: json["seconds"]?.double ?? 0,
        outputs: ExitRecord.outputs(json["outputs"]) ?? [], loss: json["loss"]?.double)
    case "failed":
      guard let cause = json["cause"]?.string else { return nil }
      // A cause of a later version counts as a failure, whatever it is.
      self = .failed(
        attempt, Cause(rawValue: cause) ?? .failed, reason: json["reason"]?.string ?? "")
    default: return nil
    }
  }

  private static func attempt(_ json: JSONValue) -> AttemptID? {
    guard let episode = json["episode"]?.integer, let number = json["attempt"]?.integer,
      let task = json["task"]?.string.flatMap({ RunTask(episode: episode, name: $0) })
    else { return nil }
    return AttemptID(task, number)
  }

  private static func distances(_ json: JSONValue) -> Distances? {
    guard let episode = json["l2_episode_start"]?.double, let run = json["l2_run_start"]?.double
    else { return nil }
    return Distances(
      amongMembers: json["l2_members"]?.double, fromEpisodeStart: episode, fromRunStart: run)
  }

  private static func json(_ digests: [String: String]) -> JSONValue {
    .object(
      digests.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) })
  }

  private static func digests(_ json: JSONValue?) -> [String: String] {
    guard case .object(let members)? = json else { return [:] }
    return Dictionary(
      members.compactMap { member in member.value.string.map { (member.key, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  private static func texts(_ json: JSONValue?) -> [String] {
    if case .array(let elements)? = json { elements.compactMap(\.string) } else { [] }
  }

  private static func numbers(_ json: JSONValue?) -> [String: Double] {
    guard case .object(let members)? = json else { return [:] }
    return Dictionary(
      members.compactMap { member in member.value.double.map { (member.key, $0) } },
      uniquingKeysWith: { first, _ in first })
  }
}
