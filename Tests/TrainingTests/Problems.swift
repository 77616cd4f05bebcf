import TensorCore

@testable import Training

/// Small problems to train on.
enum Problems {
  /// A mixture of few samples, and a network for it.
  static func mixture(
    hidden: [Int] = [19], hasBatchNorm: Bool = false, perClass: Int = 9
  ) throws -> (model: Model, data: DataSet) {
    var source = DataSource(.gaussianMixture(separation: 1))
    source.largestClass = perClass
    source.imbalance = 3
    source.testPerClass = 1
    let data = try source.load().training
    let architecture = try Architecture(
      inputCount: data.featureCount, hiddenCounts: hidden, classCount: data.classCount,
      hasBatchNorm: hasBatchNorm)
    return (Model(architecture, seed: 4), data)
  }

  /// Settings that use everything there is.
  static func settings(_ optimizer: TrainingSettings.Optimizer) -> TrainingSettings {
    var settings = TrainingSettings()
    settings.loss = .logitAdjusted(temperature: 1)
    settings.optimizer = optimizer
    settings.learningRate = 0.02
    settings.schedule = LearningRateSchedule(.cosine(final: 0.1), warmUpIterations: 7)
    settings.weightDecay = 1e-3
    settings.batchSize = 11
    settings.inputNoise = 0.2
    settings.averageDecay = 0.9
    return settings
  }

  static let momentum = TrainingSettings.Optimizer.sgd(momentum: 0.9, isNesterov: false)
  static let nesterov = TrainingSettings.Optimizer.sgd(momentum: 0.8, isNesterov: true)
  static let adamW = TrainingSettings.Optimizer.adamW(beta1: 0.9, beta2: 0.99, epsilon: 1e-8)

  /// The bytes of all tensors, by name.
  static func bytes(_ weights: WeightMap) throws -> [String: [UInt8]] {
    try Dictionary(
      uniqueKeysWithValues: weights.tensors.map { ($0.info.name, try $0.bytes()) })
  }

  /// The largest difference of what two models hold.
  static func largestDifference(_ left: Model, _ right: Model) -> Float {
    (0..<left.values.count).reduce(0) { max($0, abs(left.values[$1] - right.values[$1])) }
  }
}
