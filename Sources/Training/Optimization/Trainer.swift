public import TensorCore

/// Trains one member: a model, its optimizer, its place in its stream of samples.
///
/// Everything is decided by the settings, the data, the seed and the matrix kernels: training in one go and
/// in pieces, with `state` carried over, gives the same bits.
public final class Trainer {
  /// What is trained.
  public let model: Model
  /// The moving average of the model's values over the steps; nil when the settings ask for none.
  public let average: Model?

  private let data: DataSet
  private let settings: TrainingSettings
  private let loss: LossTerms
  private let loops: TrainingLoops
  private let network: Network
  private let noise: TrainingLoops.Noise?
  private var optimizer: OptimizerState
  private var stream: SampleStream
  private var samples: [Int32]
  private var noiseOffsets: [UInt32]

  /// Prepares to train from an iteration on.
  ///
  /// - Parameters:
  ///   - model: what to start from; it is changed.
  ///   - average: the moving average so far; nil to start it with the model.
  ///   - data: what to train on.
  ///   - seed: what decides the order of samples and their noise.
  ///   - state: what an earlier trainer left in `state`; nil for none. When it is that of another seed,
  ///     its order of samples is not taken.
  ///   - iteration: the iteration to go on from; without a state of the same seed, the samples of those
  ///     before are passed over. Iterations below zero have an order of their own.
  /// - Throws: `TrainingError` for settings, data or a state that do not fit.
  public init(
    _ model: Model, average: Model? = nil, data: DataSet, settings: TrainingSettings, seed: UInt64,
    state: (weights: WeightMap, label: String)? = nil, from iteration: Int = 0
  ) throws {
    try settings.check()
    try model.checkFits(data)
    guard data.count > 0 else { throw TrainingError.badInput("there are no samples to train on") }
    let layout = model.layout
    self.model = model
    self.average = settings.averageDecay == nil ? nil : average ?? model.copy()
    self.data = data
    self.settings = settings
    loops = TrainingLoops()
    loss = LossTerms(settings.loss, classSizes: data.classSizes)
    network = Network(layout, capacity: settings.batchSize, loops: loops)
    samples = Array(repeating: 0, count: settings.batchSize)
    noiseOffsets = Array(repeating: 0, count: settings.batchSize)
    let streamSeed = iteration < 0 ? ~seed : seed
    var position = UInt64(max(iteration, 0)) * UInt64(settings.batchSize)
    if let (weights, label) = state {
      optimizer = try OptimizerState(weights, label: label, settings: settings, layout: layout)
      let recordedSeed = try weights.integer(named: Trainer.seedName, label: label)
      let recorded = try weights.integer(named: Trainer.positionName, label: label)
      if let recorded, recordedSeed == Int(bitPattern: UInt(streamSeed)) {
        position = UInt64(bitPattern: Int64(recorded))
      }
    } else {
      optimizer = OptimizerState(settings, layout: layout)
    }
    stream = SampleStream(
      seed: streamSeed, position: position, sampleCount: data.count)
    noise =
      settings.inputNoise == 0
      ? nil
      : TrainingLoops.Noise(
        table: SampleStream.noiseTable(stride: data.rows.stride),
        deviation: Float(settings.inputNoise))
  }

  private static let seedName = "loader.seed"
  private static let positionName = "loader.position"

  /// Everything besides the weights that training goes on from.
  public var state: WeightMap {
    let tensors =
      optimizer.tensors + [
        .scalar(Int64(bitPattern: stream.seed), named: Trainer.seedName),
        .scalar(Int64(bitPattern: stream.position), named: Trainer.positionName),
      ]
    return WeightMap(distinct: tensors, metadata: [:])
  }

  /// Goes on from other values.
  ///
  /// - Parameter forgetting: whether the optimizer forgets what it remembers.
  func restart(from other: Model, movingAverage: Model?, forgetting: Bool) {
    model.takeValues(of: other)
    if let movingAverage { average?.takeValues(of: movingAverage) }
    if forgetting { optimizer = OptimizerState(settings, layout: model.layout) }
  }

  /// Makes the steps of `iterations`, which are counted over the whole training of `total`.
  ///
  /// - Parameter progress: called after each step with its iteration and the loss before it.
  /// - Throws: `TrainingError` when the loss is not finite, and what `progress` throws.
  public func train(
    _ iterations: Range<Int>, of total: Int,
    progress: (_ iteration: Int, _ loss: Double) throws -> Void = { _, _ in }
  ) throws {
    for iteration in iterations {
      stream.next(&samples, noiseOffsets: &noiseOffsets)
      let loss = step(samples, noiseOffsets: noiseOffsets, at: iteration, of: total)
      guard loss.isFinite else {
        throw TrainingError.badInput(
          "the loss is not finite at iteration \(iteration): training diverged",
          hint: "a smaller --learning-rate or --warmup-iterations may help")
      }
      try progress(iteration, loss)
    }
  }

  /// One step on given samples; returns the loss before it.
  func step(_ samples: [Int32], noiseOffsets: [UInt32], at iteration: Int, of total: Int) -> Double
  {
    let meanLoss = network.backpropagate(
      samples, of: data, noise: noise, noiseOffsets: noiseOffsets, loss: loss, model: model)
    let rate = settings.learningRate * settings.schedule.factor(at: iteration, of: total)
    optimizer.step(
      model.values, gradient: network.gradient, learningRate: rate, loops: loops)
    if let average, let decay = settings.averageDecay {
      // Warm-up: an average that starts with random weights forgets them soon.
      let updates = Double(max(iteration, 0))
      let bounded = min(decay, (1 + updates) / (10 + updates))
      loops.update(average.values, with: model.values, decay: Float(bounded))
      average.trackedBatchCount = model.trackedBatchCount
    }
    return meanLoss
  }
}
