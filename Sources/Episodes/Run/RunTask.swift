/// One thing that a run has an executor do.
public enum RunTask: Sendable, Hashable {
  /// Who is measured.
  public enum Subject: Sendable, Hashable {
    case average
    case ema
    case member(Int)

    /// `average`, `ema`, `member-2`.
    public var name: String {
      switch self {
      case .average: "average"
      case .ema: "ema"
      case .member(let number): "member-\(number)"
      }
    }

    init?(name: String) {
      switch name {
      case "average": self = .average
      case "ema": self = .ema
      default:
        guard name.hasPrefix("member-"), let number = Int(name.dropFirst(7)) else { return nil }
        self = .member(number)
      }
    }
  }

  /// Makes the first weights.
  case initial
  /// Trains before the first episode.
  case warmStart
  /// Trains a member for an episode.
  case train(episode: Int, member: Int)
  /// Recalibrates an average.
  case recalibrate(episode: Int, isEMA: Bool)
  /// Measures one file.
  case evaluate(episode: Int, Subject)
  /// Measures all files of an episode in one process.
  case evaluateAll(episode: Int)

  /// The episode it belongs to; 0 before the first.
  public var episode: Int {
    switch self {
    case .initial, .warmStart: 0
    case .train(let episode, _), .recalibrate(let episode, _), .evaluate(let episode, _),
      .evaluateAll(let episode):
      episode
    }
  }

  /// Where it stands in a list of the tasks of an episode: members by their numbers.
  var order: (Int, Int) {
    switch self {
    case .initial: (0, 0)
    case .warmStart: (1, 0)
    case .train(_, let member): (2, member)
    case .recalibrate(_, let isEMA): (3, isEMA ? 1 : 0)
    case .evaluateAll: (4, 0)
    case .evaluate(_, .average): (5, 0)
    case .evaluate(_, .ema): (6, 0)
    case .evaluate(_, .member(let member)): (7, member)
    }
  }

  /// The folder in the episode's, which is also the name in the journal.
  public var name: String {
    switch self {
    case .initial: "init"
    case .warmStart: "warm-start"
    case .train(_, let member): "member-\(member)"
    case .recalibrate(_, let isEMA): isEMA ? "recalibrate-ema" : "recalibrate"
    case .evaluate(_, let subject): "evaluate-\(subject.name)"
    case .evaluateAll: "evaluate"
    }
  }

  /// Finds a task by its name.
  init?(episode: Int, name: String) {
    switch name {
    case "init": self = .initial
    case "warm-start": self = .warmStart
    case "recalibrate": self = .recalibrate(episode: episode, isEMA: false)
    case "recalibrate-ema": self = .recalibrate(episode: episode, isEMA: true)
    case "evaluate": self = .evaluateAll(episode: episode)
    default:
      if name.hasPrefix("member-"), let member = Int(name.dropFirst(7)) {
        self = .train(episode: episode, member: member)
      } else if name.hasPrefix("evaluate-"), let subject = Subject(name: String(name.dropFirst(9)))
      {
        self = .evaluate(episode: episode, subject)
      } else {
        return nil
      }
    }
  }

  /// As messages say it: `episode 3, member 2`.
  public var text: String {
    switch self {
    case .initial: "the first weights"
    case .warmStart: "the warm start"
    case .train(let episode, let member): "episode \(episode), member \(member)"
    case .recalibrate(let episode, let isEMA):
      "episode \(episode), recalibration" + (isEMA ? " of the moving average" : "")
    case .evaluate(0, _), .evaluateAll(0): "evaluation of the start"
    case .evaluate(let episode, let subject): "episode \(episode), evaluation of \(subject.name)"
    case .evaluateAll(let episode): "episode \(episode), evaluation"
    }
  }
}

/// A try at a task.
public struct AttemptID: Sendable, Hashable {
  /// The task.
  public let task: RunTask
  /// Counted from 1.
  public let number: Int

  /// Numbers a try.
  public init(_ task: RunTask, _ number: Int) {
    self.task = task
    self.number = number
  }

  /// The name by which executors know it: `imwa.2f60c1aa.e3.member-2.a1`.
  public func name(inRun run: String) -> String {
    "imwa.\(run).e\(task.episode).\(task.name).a\(number)"
  }

  /// As messages say it: `episode 3, member 2, attempt 1`.
  public var text: String { "\(task.text), attempt \(number)" }
}
