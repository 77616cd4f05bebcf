/// How a model is trained.
public struct TrainingSettings: Sendable, Hashable {
  /// The rule that turns gradients into steps.
  public enum Optimizer: Sendable, Hashable {
    /// Stochastic gradient descent with momentum, as PyTorch has it.
    case sgd(momentum: Double, isNesterov: Bool)
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    case adamW(beta1: Double, beta2: Double, epsilon: Double)
  }

  /// What is minimised.
  public var loss = LossFunction.crossEntropy
  /// The rule of steps.
  public var optimizer = Optimizer.sgd(momentum: 0.9, isNesterov: false)
  /// The learning rate that the schedule multiplies.
  public var learningRate = 0.05
  /// How the learning rate changes.
  public var schedule = LearningRateSchedule()
  /// The weight decay of all trained values: with SGD added to the gradient, with AdamW decoupled.
  public var weightDecay = 0.0
  /// The samples of a step.
  public var batchSize = 32
  /// The standard deviation of the noise that is added to the features of each sample.
  public var inputNoise = 0.0
  /// How much of the moving average is kept at a step; nil for no average.
  public var averageDecay: Double?

  /// The usual settings.
  public init() {}

  /// - Throws: `TrainingError` for numbers out of range.
  func check() throws(TrainingError) {
    func expect(_ isGood: Bool, _ sentence: String) throws(TrainingError) {
      if !isGood { throw TrainingError.usage(sentence) }
    }
    try expect(learningRate >= 0 && learningRate.isFinite, "the learning rate must not be negative")
    try expect(weightDecay >= 0 && weightDecay.isFinite, "the weight decay must not be negative")
    try expect(inputNoise >= 0 && inputNoise.isFinite, "the input noise must not be negative")
    try expect((1...1 << 20).contains(batchSize), "the batch size must be between 1 and \(1 << 20)")
    try expect(schedule.warmUpIterations >= 0, "the warm-up must not be negative")
    if let averageDecay {
      try expect((0...1).contains(averageDecay), "the decay of the average must be between 0 and 1")
    }
    switch optimizer {
    case .sgd(let momentum, let isNesterov):
      try expect((0..<1).contains(momentum), "the momentum must be at least 0 and below 1")
      try expect(!isNesterov || momentum > 0, "Nesterov's rule needs a momentum")
    case .adamW(let beta1, let beta2, let epsilon):
      try expect(
        (0..<1).contains(beta1) && (0..<1).contains(beta2),
        "the betas must be at least 0 and below 1")
      try expect(epsilon > 0 && epsilon.isFinite, "epsilon must be above 0")
    }
  }
}
