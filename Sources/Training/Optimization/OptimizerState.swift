import CTrainingKernels
import TensorCore

/// What an optimizer remembers between steps, for each value that is trained.
struct OptimizerState {
  /// The buffers by the names that PyTorch gives them.
  let buffers: [(name: String, values: FloatBuffer)]
  /// How many steps were made since the buffers were zero.
  private(set) var stepCount: Int

  private let settings: TrainingSettings
  private let layout: ParameterLayout

  /// Nothing to remember yet.
  init(_ settings: TrainingSettings, layout: ParameterLayout) {
    self.settings = settings
    self.layout = layout
    stepCount = 0
    let names =
      switch settings.optimizer {
      case .sgd: ["momentum_buffer"]
      case .adamW: ["exp_avg", "exp_avg_sq"]
      }
    buffers = names.map { ($0, FloatBuffer(count: layout.trainedCount)) }
  }

  /// Reads what `tensors` wrote.
  ///
  /// - Throws: `TrainingError` when it is the state of another optimizer or model.
  init(_ weights: WeightMap, label: String, settings: TrainingSettings, layout: ParameterLayout)
    throws
  {
    self.init(settings, layout: layout)
    guard let count = try weights.integer(named: OptimizerState.stepName, label: label) else {
      throw TrainingError.badInput(
        "\(label): tensor '\(OptimizerState.stepName)' is missing",
        hint: "the state is a file that 'imwa-train step --state-out' wrote")
    }
    stepCount = count
    for buffer in buffers {
      for entry in trained {
        try buffer.values.copy(
          from: weights, entry, named: OptimizerState.name(buffer.name, entry), label: label)
      }
    }
  }

  /// The state as tensors of a checkpoint.
  var tensors: [Tensor] {
    let values = buffers.flatMap { buffer in
      trained.map { entry in
        buffer.values.tensor(entry, named: OptimizerState.name(buffer.name, entry))
      }
    }
    return values + [.scalar(Int64(stepCount), named: OptimizerState.stepName)]
  }

  /// Changes the values along the gradient.
  mutating func step(
    _ values: FloatBuffer, gradient: FloatBuffer, learningRate: Double, loops: TrainingLoops
  ) {
    stepCount += 1
    switch settings.optimizer {
    case .sgd(let momentum, let isNesterov):
      let step = imwa_sgd(
        learning_rate: Float(learningRate), weight_decay: Float(settings.weightDecay),
        momentum: Float(momentum), is_nesterov: isNesterov)
      loops.step(
        step, values: values, gradient: gradient, velocity: buffers[0].values,
        count: layout.trainedCount)
    case .adamW(let beta1, let beta2, let epsilon):
      let step = imwa_adamw(
        learning_rate: Float(learningRate), weight_decay: Float(settings.weightDecay),
        beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon),
        correction1: Float(1 - beta1.raised(to: stepCount)),
        correction2: Float(1 - beta2.raised(to: stepCount)))
      loops.step(
        step, values: values, gradient: gradient, firstMoment: buffers[0].values,
        secondMoment: buffers[1].values, count: layout.trainedCount)
    }
  }

  private static let stepName = "optimizer.step"

  private static func name(_ buffer: String, _ entry: ParameterLayout.Entry) -> String {
    "optimizer.\(buffer).\(entry.name)"
  }

  private var trained: [ParameterLayout.Entry] {
    layout.entries.filter { $0.offset < layout.trainedCount }
  }
}

extension Double {
  /// A whole power, by squaring.
  fileprivate func raised(to exponent: Int) -> Double {
    var result = 1.0
    var factor = self
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }
}
