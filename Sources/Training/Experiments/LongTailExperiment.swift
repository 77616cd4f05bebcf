import TensorCore

/// A small experiment that shows what averaging does, under imbalance and without.
///
/// A mixture of 20 classes, a perceptron of 128 hidden units, class-weighted cross-entropy at a constant
/// learning rate, with input noise. Each seed draws other classes, samples, weights and orders.
public struct LongTailExperiment: Sendable {
  /// The ways to train that are compared.
  public enum Method: String, Sendable, Hashable, CaseIterable {
    /// One model; the mean of two.
    case single = "single model"
    /// One model, for twice as many iterations.
    case twiceAsLong = "single model, 2 T"
    /// The moving average of one model's weights; the mean of two.
    case movingAverage = "single model, EMA"
    /// Two models, averaged at the end.
    case vanilla = "vanilla MWA"
    /// Two models, averaged after each episode.
    case iterative = "IMWA"
    /// The same with moving averages, which are averaged too.
    case iterativeMovingAverage = "IMWA + EMA"
  }

  /// The ways to train, each of which tells the accuracies of one method or several.
  public enum Procedure: Sendable, Hashable, CaseIterable {
    /// Two models, averaged at the end.
    case alone
    /// Two models, averaged after each episode.
    case together
    /// One model, twice as long.
    case twiceAsLong
    /// Averaging after every iteration, momentum forgotten each time.
    case withoutMomentum
  }

  /// What one seed gave.
  public struct Outcome: Sendable, Hashable {
    /// The balanced accuracy on the test set, in percent.
    public var accuracies: [Method: Double] = [:]
    /// The L2 distance of the two models that were trained alone.
    public var distance = 0.0
    /// That of averaging after every iteration and forgetting the momentum each time; nil when it was
    /// not asked for.
    public var accuracyWithoutMomentum: Double?
  }

  /// How many times as many samples the first class has as the last one.
  public var imbalance = 50.0
  /// The seeds.
  public var seeds: [UInt64] = Array(100..<108)
  /// What is trained.
  public var procedures: [Procedure] = [.alone, .together, .twiceAsLong]
  /// The iterations of each model.
  public var iterations = 2000
  /// How many times models are averaged.
  public var episodes = 20

  private static let sharedIterations = 100
  private static let movingAverageDecay = 0.995

  /// The usual experiment.
  public init() {}

  /// The settings of training.
  static var settings: TrainingSettings {
    var settings = TrainingSettings()
    settings.loss = .classWeighted(power: 0.5)
    settings.learningRate = 0.05
    settings.weightDecay = 5e-4
    settings.batchSize = 32
    settings.inputNoise = 0.7
    return settings
  }

  /// The outcome of each seed.
  ///
  /// - Parameter interruption: asked before each seed; a signal ends the work.
  /// - Throws: `TrainingInterruption`, `TrainingError` when training diverges.
  public func run(interruption: () -> Int32? = { nil }) throws -> [Outcome] {
    try seeds.map { seed in
      if let signal = interruption() { throw TrainingInterruption(signal: signal) }
      return try outcome(seed: seed)
    }
  }

  /// Trains and judges all methods.
  func outcome(seed: UInt64) throws -> Outcome {
    var source = DataSource(.gaussianMixture(separation: 1.2))
    source.imbalance = imbalance
    source.largestClass = 300
    source.seed = seed
    let data = try source.load()
    let start = Model(
      try Architecture(
        inputCount: data.training.featureCount, hiddenCounts: [128],
        classCount: data.training.classCount), seed: seed)
    // Models that part at random weights lie too far from each other to be averaged at the end.
    let shared = try Trainer(
      start, data: data.training, settings: Self.settings, seed: seed,
      from: -Self.sharedIterations)
    try shared.train(-Self.sharedIterations..<0, of: iterations)

    var training = EpisodeTraining()
    training.settings = Self.settings
    training.seeds = [seed &* 2 &+ 1000, seed &* 2 &+ 1001]
    training.iterations = iterations
    var outcome = Outcome()
    for procedure in procedures {
      try train(
        procedure, with: training, from: start, state: shared.state, on: data, into: &outcome)
    }
    return outcome
  }

  private func train(
    _ procedure: Procedure, with training: EpisodeTraining, from start: Model, state: WeightMap,
    on data: DataSplit, into outcome: inout Outcome
  ) throws {
    var training = training
    func accuracy(_ model: Model?) throws -> Double {
      guard let model else { preconditionFailure("the settings ask for a moving average") }
      return try 100 * Evaluation(model, on: data.test).balancedAccuracy
    }
    switch procedure {
    case .alone:
      training.episodes = 1
      training.settings.averageDecay = Self.movingAverageDecay
      let result = try training.run(from: start, state: state, on: data.training)
      let members = result.members
      outcome.distance = members[0].model.distance(to: members[1].model)
      outcome.accuracies[.single] = try members.reduce(0) { $0 + (try accuracy($1.model)) / 2 }
      outcome.accuracies[.movingAverage] = try members.reduce(0) {
        $0 + (try accuracy($1.movingAverage)) / 2
      }
      outcome.accuracies[.vanilla] = try accuracy(result.average)
    case .together:
      training.episodes = episodes
      training.settings.averageDecay = Self.movingAverageDecay
      let result = try training.run(from: start, state: state, on: data.training)
      outcome.accuracies[.iterative] = try accuracy(result.average)
      outcome.accuracies[.iterativeMovingAverage] = try accuracy(result.movingAverage)
    case .twiceAsLong:
      training.episodes = 1
      training.seeds = [training.seeds[0]]
      training.iterations = 2 * iterations
      outcome.accuracies[.twiceAsLong] = try accuracy(
        training.run(from: start, state: state, on: data.training).average)
    case .withoutMomentum:
      training.episodes = iterations
      training.optimizerCarry = .reset
      outcome.accuracyWithoutMomentum = try accuracy(
        training.run(from: start, on: data.training).average)
    }
  }
}
