public import Checkpoints
public import SystemPackage
public import YAMLText

/// What a run does, as a plan file says.
///
/// The names of the properties are those of the keys in the file; `man imwa-plan` tells all of them.
public struct Plan: Sendable {
  /// Where the run starts: θ(0).
  public enum InitialWeights: Sendable {
    /// A checkpoint.
    case file(FilePath)
    /// A command that makes one at `{out}`.
    case command(CommandTemplate)
  }

  /// What becomes of the members' own state between episodes.
  public enum StatePolicy: String, Sendable, Hashable, CaseIterable {
    /// Each member keeps its own.
    case carry
    /// It is dropped.
    case reset
    /// Floating point tensors are averaged; each member keeps its own integers and random state.
    case average
  }

  /// The exponential moving average.
  public enum MovingAverage: Sendable, Hashable {
    case off
    /// The trainer keeps it: both weights of the pair are averaged over the members (equations 7 to 9).
    case trainer
    /// It is kept over the averages of the episodes, with this decay.
    case checkpoints(decay: Double)
  }

  /// How members become one.
  public struct Average: Sendable {
    /// The name of the merge method.
    public var method = "linear"
    /// One weight for each member; nil when all count the same.
    public var weights: [Double]?
    /// What becomes of the running statistics of batch normalisation.
    public var batchNorm = AlignmentPolicy.BatchNorm.average
    /// What becomes of integers that differ between members; nil takes the counters of the first, and refuses larger tensors.
    public var integers: AlignmentPolicy.Integers?
    /// A command that is run on each average and writes the one that is used.
    public var recalibrate: CommandTemplate?
  }

  /// What is measured.
  public struct Evaluation: Sendable {
    /// What a metric may be measured on.
    public enum Subject: String, Sendable, Hashable, CaseIterable {
      case averages
      case members
      case ema
    }

    /// Whether large or small values are good.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
      case max
      case min
    }

    /// What follows when a measurement fails in all attempts.
    public enum Failure: String, Sendable, Hashable, CaseIterable {
      /// The run stops.
      case stop
      /// It is noted, and the run goes on.
      case note
    }

    /// The command, which prints a JSON object for each file that it measures.
    public var command: CommandTemplate
    /// The key in that object; dots lead into nested ones.
    public var metric: String
    /// Whether large or small values are good.
    public var mode = Mode.max
    /// What is measured.
    public var on: Set<Subject> = [.averages]
    /// After every how many episodes; the start and the last one are always measured.
    public var every = 1
    /// What follows when a measurement fails in all attempts.
    public var failure = Failure.stop
    /// The seconds after which a measurement is ended; nil for the time that all attempts have.
    public var timeout: Double?

    /// Whether one process measures all files of an episode.
    public var measuresTogether: Bool { command.placeholders.contains(Placeholders.files) }
  }

  /// Which files stay on the disk.
  public enum Keep: Sendable, Hashable {
    /// Those of all episodes.
    case all
    /// Those of the last so many episodes.
    case last(Int)
    /// Those of every so many episodes, and what is still needed.
    case every(Int)

    /// Whether the files of an episode stay when `latest` is the last one that is complete.
    public func keeps(_ episode: Int, latest: Int) -> Bool {
      switch self {
      case .all: true
      case .last(let count): episode > latest - max(count, 1)
      case .every(let step): episode == latest || episode % step == 0
      }
    }
  }

  /// Which weights are the result of a run.
  public enum Selection: String, Sendable, Hashable, CaseIterable {
    /// Those of the last episode.
    case last
    /// Those with the best metric.
    case best
  }

  /// When a run ends before its last episode.
  public struct Stop: Sendable, Hashable {
    /// After so many measured episodes without a better value.
    public var after: Int
    /// The number that is watched; nil for the plan's metric.
    public var metric: String?
    /// Whether large or small values of it are good; nil for as the plan's metric.
    public var mode: Evaluation.Mode?
  }

  /// A variable of the environment of all commands.
  public struct Variable: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The value: one word, with placeholders.
    public let value: CommandTemplate
  }

  /// The number of episodes: E.
  public var episodes = 20
  /// The number of members: M.
  public var members = 2
  /// The iterations of each member over all episodes: T.
  public var iterations = 0
  /// The iterations over all episodes as commands are told them; nil for those of the plan, which those of a
  /// rehearsal are not.
  var totalIterations: Int?
  /// Where the run starts.
  public var initial = InitialWeights.file("")
  /// Where the plan says so, for messages; nil when it does not.
  public internal(set) var initialPlace: YAMLNode.Place?
  /// What the names of all checkpoints end in.
  public var suffix = ""
  /// Where the plan says so, for messages; nil when it does not.
  public internal(set) var suffixPlace: YAMLNode.Place?
  /// What the names of state files end in.
  public var stateSuffix = ""
  /// The trainer.
  public var train = CommandTemplate(words: [], at: YAMLNode.Place(line: 1, column: 1))
  /// The program of the built-in trainer, when the plan uses it.
  public var builtInTrainer: String?
  /// The number that all seeds follow from.
  public var seed = 0
  /// For each member, values that are placeholders, in the order of the text.
  public var memberSettings: [[MemberSetting]] = []
  /// How members become one.
  public var average = Average()
  /// The exponential moving average.
  public var ema = MovingAverage.off
  /// What is measured; nil for nothing.
  public var evaluate: Evaluation?
  /// How many members train at once.
  public var parallel = 1
  /// The devices, which are handed out as `{slot}`.
  public var devices: [String] = []
  /// The seconds after which an attempt is ended; nil for no limit.
  public var timeout: Double?
  /// How often a member may fail.
  public var attempts = 3
  /// The seconds before a second attempt at what has failed; each further one waits twice as long.
  public var backoff = 1.0
  /// The seconds without any sign of life after which an attempt is ended; nil for no limit.
  public var heartbeat: Double?
  /// The seconds between asking a trainer to end and killing it.
  public var grace = 10.0
  /// Which averages stay on the disk.
  public var keepAverages = Keep.all
  /// Which members' checkpoints stay on the disk.
  public var keepMembers = Keep.last(1)
  /// The iterations of one process before the first episode.
  public var warmStart = 0
  /// Whether weights that are equal to the start are a failure.
  public var requireChange = true
  /// Whether members that are equal after the first episode are a failure.
  public var requireDifference = true
  /// What becomes of the members' own state.
  public var state = StatePolicy.carry
  /// Whether event files for TensorBoard are written.
  public var tensorboard = false
  /// Which weights are the result.
  public var select = Selection.last
  /// When the run ends early; nil for never.
  public var stop: Stop?
  /// The command that is run when the run ends, fails or has a new best value.
  public var notify: CommandTemplate?
  /// Variables of the environment of all commands.
  public var environment: [Variable] = []

  /// A value of a member that is a placeholder.
  public struct MemberSetting: Sendable, Hashable {
    /// The placeholder.
    public let name: String
    /// Its value.
    public let value: String
  }

  /// The iterations before episode `episode`, counted from 1: T is split as evenly as it allows, and the
  /// remainder goes to the first episodes.
  public func iterations(before episode: Int) -> Int {
    let (share, rest) = iterations.quotientAndRemainder(dividingBy: episodes)
    return share * (episode - 1) + min(episode - 1, rest)
  }

  /// The seconds after which an attempt at a task is ended; nil for no limit.
  public func timeout(of task: RunTask) -> Double? {
    switch task {
    case .evaluate, .evaluateAll: evaluate?.timeout ?? timeout
    case .initial, .warmStart, .train, .recalibrate: timeout
    }
  }

  /// The devices that are handed out: at least as many as members train at once.
  public var slots: [String] { devices.isEmpty ? (0..<parallel).map(String.init) : devices }
}
