import ArgumentParser
import Training

/// How a model is trained.
struct TrainingOptions: ParsableArguments {
  /// The rules of steps.
  enum OptimizerName: String, ExpressibleByArgument, CaseIterable {
    case sgd
    case adamw
  }

  @Option(
    help: ArgumentHelp(
      "cross-entropy, class-weighted:0.5 (the power), logit-adjusted:1 (the temperature), "
        + "balanced-softmax, focal:2 (the focus), ldam:0.5,1 (largest margin, scale).",
      valueName: "loss"))
  var loss = "cross-entropy"

  @Option(help: ArgumentHelp("sgd or adamw.", valueName: "rule"))
  var optimizer = OptimizerName.sgd

  @Option(help: ArgumentHelp("The learning rate.", valueName: "rate"))
  var learningRate = 0.05

  @Option(
    help: ArgumentHelp(
      "How the learning rate changes over the whole training: constant, cosine:0 or linear:0 (what "
        + "is left at the end), step:0.1,0.5,0.75 (a factor, and when it applies).",
      valueName: "schedule"))
  var schedule = "constant"

  @Option(
    help: ArgumentHelp(
      "The iterations in which the learning rate rises from zero.", valueName: "count"))
  var warmupIterations = 0

  @Option(help: ArgumentHelp("The momentum of sgd.", valueName: "number"))
  var momentum = 0.9

  @Flag(help: "Nesterov's rule for the momentum of sgd.")
  var nesterov = false

  @Option(help: ArgumentHelp("How much of the mean gradient adamw keeps.", valueName: "number"))
  var beta1 = 0.9

  @Option(help: ArgumentHelp("How much of the mean square adamw keeps.", valueName: "number"))
  var beta2 = 0.999

  @Option(help: ArgumentHelp("What adamw adds to its divisor.", valueName: "number"))
  var epsilon = 1e-8

  @Option(
    help: ArgumentHelp("The weight decay, of biases too; adamw decouples it.", valueName: "number"))
  var weightDecay = 0.0

  @Option(help: ArgumentHelp("The samples of a step.", valueName: "count"))
  var batchSize = 32

  @Option(
    help: ArgumentHelp(
      "The standard deviation of noise that is added to the features.", valueName: "number"))
  var inputNoise = 0.0

  @Option(
    help: ArgumentHelp(
      "How much of the moving average of the weights is kept at an iteration.", valueName: "λ"))
  var emaDecay: Double?

  /// The settings that are asked for.
  ///
  /// - Throws: `TrainingError` for texts that name nothing.
  func settings() throws -> TrainingSettings {
    var settings = TrainingSettings()
    settings.loss = try LossFunction(described: loss)
    settings.optimizer =
      switch optimizer {
      case .sgd: .sgd(momentum: momentum, isNesterov: nesterov)
      case .adamw: .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon)
      }
    settings.learningRate = learningRate
    settings.schedule = try LearningRateSchedule(
      described: schedule, warmUpIterations: warmupIterations)
    settings.weightDecay = weightDecay
    settings.batchSize = batchSize
    settings.inputNoise = inputNoise
    settings.averageDecay = emaDecay
    return settings
  }
}
