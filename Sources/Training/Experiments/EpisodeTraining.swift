public import TensorCore

/// Iterative model weight averaging within one process (Huang et al. 2024, algorithm 1).
///
/// Members start from the same weights, train for an episode in different orders, and go on from their
/// average. One episode is vanilla averaging, one member plain training.
public struct EpisodeTraining {
  /// What members keep of their optimizers over an average.
  public enum OptimizerCarry: Sendable, Hashable {
    /// Each its own, which is the rule.
    case keep
    /// Nothing.
    case reset
  }

  /// What comes out.
  public struct Result {
    /// The average of the last episode.
    public let average: Model
    /// The average of the members' moving averages; nil when the settings ask for none.
    public let movingAverage: Model?
    /// The members before the last average, and their moving averages.
    public let members: [(model: Model, movingAverage: Model?)]
  }

  /// How each member is trained.
  public var settings = TrainingSettings()
  /// One number for each member, which decides its order of samples.
  public var seeds: [UInt64] = [1, 2]
  /// How many times the members are averaged.
  public var episodes = 20
  /// The iterations of each member.
  public var iterations = 1
  /// What happens to the optimizers at an average.
  public var optimizerCarry = OptimizerCarry.keep

  /// The defaults: two members, twenty episodes.
  public init() {}

  /// The iterations of each episode: as even as can be, the first ones longer.
  public static func boundaries(iterations: Int, episodes: Int) -> [Range<Int>] {
    let (length, longer) = iterations.quotientAndRemainder(dividingBy: episodes)
    return (0..<episodes).map { episode in
      let start = episode * length + min(episode, longer)
      return start..<start + length + (episode < longer ? 1 : 0)
    }
  }

  /// Trains from a model, which is left as it is.
  ///
  /// - Parameter state: the optimizer's state to start each member with; nil for none.
  /// - Throws: `TrainingError` when training diverges or nothing fits.
  public func run(from start: Model, state: WeightMap? = nil, on data: DataSet) throws -> Result {
    guard episodes >= 1, episodes <= iterations, !seeds.isEmpty else {
      throw TrainingError.usage(
        "\(iterations) iterations of \(seeds.count) members cannot have \(episodes) episodes")
    }
    let trainers = try seeds.map { seed in
      try Trainer(
        start.copy(), data: data, settings: settings, seed: seed, state: state.map { ($0, "state") }
      )
    }
    var average = start
    var movingAverage: Model?
    let boundaries = Self.boundaries(iterations: iterations, episodes: episodes)
    for (episode, range) in boundaries.enumerated() {
      for trainer in trainers {
        if episode > 0 {
          trainer.restart(
            from: average, movingAverage: movingAverage, forgetting: optimizerCarry == .reset)
        }
        try trainer.train(range, of: iterations)
      }
      average = Model.average(of: trainers.map(\.model))
      movingAverage =
        settings.averageDecay == nil ? nil : Model.average(of: trainers.compactMap(\.average))
    }
    return Result(
      average: average, movingAverage: movingAverage,
      members: trainers.map { ($0.model, $0.average) })
  }
}
