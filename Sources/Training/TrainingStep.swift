import Checkpoints
public import FileIO
public import SystemPackage
import TensorCore

/// What a member of a run does in one episode: trains a model from file to file.
public struct TrainingStep: Sendable {
  /// The model to start from.
  public var start: FilePath
  /// Where the trained model goes.
  public var output: FilePath
  /// The optimizer's state and place in the data that an earlier step wrote.
  public var stateInput: FilePath?
  /// Where they go.
  public var stateOutput: FilePath?
  /// The moving average so far; nil to start it with the model.
  public var averageInput: FilePath?
  /// Where it goes.
  public var averageOutput: FilePath?
  /// What decides the order of the data and its noise.
  public var seed: UInt64 = 0
  /// The iterations, of a whole training of `totalIterations`.
  public var iterations = 0..<0
  /// How many iterations the schedule is for.
  public var totalIterations = 0
  /// How the model is trained.
  public var settings = TrainingSettings()
  /// What to do when an output exists.
  public var existing = StagedOutput.Existing.refuse
  /// Whether results are forced to the disk.
  public var durability = Durability.full

  /// A step from one file to another.
  public init(from start: FilePath, to output: FilePath) {
    self.start = start
    self.output = output
  }

  /// Trains, and writes the results: the model last.
  ///
  /// - Parameters:
  ///   - data: what to train on.
  ///   - progress: called after each iteration with the loss before it.
  /// - Throws: `TrainingError`, and what reading and writing checkpoints throws.
  public func run(
    on data: DataSet, progress: (_ iteration: Int, _ loss: Double) throws -> Void = { _, _ in }
  ) throws {
    let trainer = try makeTrainer(data)
    // What cannot be written should be known before hours of training.
    for output in outputs(of: trainer) { _ = try prepare(output) }
    try trainer.train(iterations, of: totalIterations, progress: progress)
    for output in outputs(of: trainer) { _ = try prepare(output).write(StreamOptions()) }
  }

  private func makeTrainer(_ data: DataSet) throws -> Trainer {
    guard iterations.lowerBound <= iterations.upperBound, iterations.upperBound <= totalIterations
    else {
      throw TrainingError.usage(
        "the iterations end at \(iterations.upperBound), but the training at \(totalIterations)")
    }
    if (averageInput != nil || averageOutput != nil) && settings.averageDecay == nil {
      throw TrainingError.usage(
        "a moving average needs a decay", hint: "give --ema-decay, for example 0.99")
    }
    if averageOutput == nil && settings.averageDecay != nil {
      throw TrainingError.usage(
        "the moving average would be lost", hint: "say where it goes with --ema-out")
    }
    return try Trainer(
      Model(contentsOf: start.string),
      average: averageInput.map { try Model(contentsOf: $0.string) }, data: data,
      settings: settings,
      seed: seed, state: stateInput.map { (try CheckpointReader(opening: $0).weights, $0.string) },
      from: iterations.lowerBound)
  }

  private func outputs(of trainer: Trainer) -> [(OutputRequest, WeightMap)] {
    var outputs: [(OutputRequest, WeightMap)] = []
    if let stateOutput {
      // Nobody else reads it: its name need not tell its format.
      var request = request(stateOutput)
      request.format = SafetensorsCheckpoint.self
      outputs.append((request, trainer.state))
    }
    if let averageOutput, let average = trainer.average {
      outputs.append((request(averageOutput), average.weights))
    }
    return outputs + [(request(output), trainer.model.weights)]
  }

  private func request(_ path: FilePath) -> OutputRequest {
    OutputRequest(path: path, existing: existing, durability: durability)
  }

  private func prepare(_ output: (OutputRequest, WeightMap)) throws -> PreparedOutput {
    try PreparedOutput(output.1, to: output.0)
  }
}
