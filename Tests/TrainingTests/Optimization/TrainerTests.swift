import TensorCore
import Testing

@testable import Training

/// What one step does, and that pieces make the whole.
@Suite struct TrainerTests {
  @Test(arguments: [Problems.momentum, Problems.nesterov, Problems.adamW], [false, true])
  func piecesGiveTheBitsOfTheWhole(optimizer: TrainingSettings.Optimizer, hasBatchNorm: Bool) throws
  {
    let settings = Problems.settings(optimizer)
    let (model, data) = try Problems.mixture(hasBatchNorm: hasBatchNorm)
    let whole = try Trainer(model.copy(), data: data, settings: settings, seed: 8)
    try whole.train(0..<50, of: 50)
    var weights = model.weights
    var average: WeightMap?
    var state: WeightMap?
    for range in [0..<1, 1..<20, 20..<33, 33..<50] {
      let piece = try Trainer(
        Model(weights, label: "piece"), average: average.map { try Model($0, label: "average") },
        data: data, settings: settings, seed: 8, state: state.map { ($0, "state") },
        from: range.lowerBound)
      try piece.train(range, of: 50)
      weights = piece.model.weights
      average = piece.average?.weights
      state = piece.state
    }
    #expect(try Problems.bytes(weights) == Problems.bytes(whole.model.weights))
    #expect(
      try Problems.bytes(#require(average)) == Problems.bytes(#require(whole.average).weights))
    #expect(try Problems.bytes(#require(state)) == Problems.bytes(whole.state))
    #expect(Problems.largestDifference(model, whole.model) > 0.01)
  }

  @Test func withoutAStateTheSamplesGoOnWhereTheyShould() throws {
    var settings = Problems.settings(.sgd(momentum: 0, isNesterov: false))
    settings.averageDecay = nil
    let (model, data) = try Problems.mixture()
    let whole = try Trainer(model.copy(), data: data, settings: settings, seed: 8)
    try whole.train(0..<40, of: 40)
    let first = try Trainer(model.copy(), data: data, settings: settings, seed: 8)
    try first.train(0..<17, of: 40)
    // Without momentum, the state holds nothing that the seed and the iteration do not tell.
    let second = try Trainer(first.model.copy(), data: data, settings: settings, seed: 8, from: 17)
    try second.train(17..<40, of: 40)
    #expect(try Problems.bytes(second.model.weights) == Problems.bytes(whole.model.weights))
  }

  @Test func otherSeedsGiveOtherOrders() throws {
    let (model, data) = try Problems.mixture()
    let settings = Problems.settings(Problems.momentum)
    let trainers = try [1, 2].map { seed in
      try Trainer(model.copy(), data: data, settings: settings, seed: seed)
    }
    for trainer in trainers { try trainer.train(0..<3, of: 3) }
    #expect(Problems.largestDifference(trainers[0].model, trainers[1].model) > 1e-5)
  }

  @Test func aSharedStartGivesItsMomentumButNotItsOrder() throws {
    let (model, data) = try Problems.mixture()
    let settings = Problems.settings(Problems.momentum)
    let shared = try Trainer(model, data: data, settings: settings, seed: 5, from: -10)
    try shared.train(-10..<0, of: 20)
    let member = try Trainer(
      model.copy(), data: data, settings: settings, seed: 6, state: (shared.state, "state"))
    let same = try Trainer(
      model.copy(), data: data, settings: settings, seed: 5, state: (shared.state, "state"))
    for trainer in [member, same] {
      #expect(
        try Problems.bytes(trainer.state)["optimizer.momentum_buffer.layers.0.weight"]
          == Problems.bytes(shared.state)["optimizer.momentum_buffer.layers.0.weight"])
      #expect(try trainer.state.integer(named: "loader.position", label: "") == 0)
    }
  }

  /// The definitions of the rules, as PyTorch's documentation has them, in float64.
  @Test(arguments: [Problems.momentum, Problems.nesterov, Problems.adamW])
  func stepsFollowTheRules(optimizer: TrainingSettings.Optimizer) throws {
    var settings = Problems.settings(optimizer)
    settings.schedule = LearningRateSchedule()
    settings.inputNoise = 0
    let (model, data) = try Problems.mixture()
    var expected = (0..<model.values.count).map { Double(model.values[$0]) }
    var first = expected.map { _ in 0.0 }
    var second = first
    let trainer = try Trainer(model, data: data, settings: settings, seed: 1)
    let reference = Network(model.layout, capacity: 11)
    let samples = [Int32](0..<11)
    for count in 1...4 {
      _ = reference.backpropagate(
        samples, of: data, noise: nil, noiseOffsets: [],
        loss: LossTerms(settings.loss, classSizes: data.classSizes), model: model)
      for index in 0..<model.layout.trainedCount {
        let slope = Double(reference.gradient[index])
        switch optimizer {
        case .sgd(let momentum, let isNesterov):
          let decayed = slope + settings.weightDecay * expected[index]
          first[index] = momentum * first[index] + decayed
          expected[index] -=
            settings.learningRate * (isNesterov ? decayed + momentum * first[index] : first[index])
        case .adamW(let beta1, let beta2, let epsilon):
          expected[index] *= 1 - settings.learningRate * settings.weightDecay
          first[index] = beta1 * first[index] + (1 - beta1) * slope
          second[index] = beta2 * second[index] + (1 - beta2) * slope * slope
          let powers = (0..<count).reduce((1.0, 1.0)) { product, _ in
            (product.0 * beta1, product.1 * beta2)
          }
          let root = (second[index] / (1 - powers.1)).squareRoot()
          expected[index] -=
            settings.learningRate * first[index] / (1 - powers.0) / (root + epsilon)
        }
      }
      _ = trainer.step(
        samples, noiseOffsets: Array(repeating: 0, count: 11), at: count - 1, of: 4)
      let largest = (0..<model.layout.trainedCount).reduce(0.0) {
        max($0, abs(expected[$1] - Double(model.values[$1])))
      }
      #expect(largest < 2e-6, "step \(count)")
    }
  }

  @Test func movingAveragesWarmUp() throws {
    let settings = Problems.settings(Problems.momentum)
    let (model, data) = try Problems.mixture()
    let trainer = try Trainer(model, data: data, settings: settings, seed: 1)
    let average = try #require(trainer.average)
    var expected = Double(model.values[5])
    for iteration in 0..<100 {
      try trainer.train(iteration..<iteration + 1, of: 100)
      let decay = min(0.9, Double(1 + iteration) / Double(10 + iteration))
      expected = decay * expected + (1 - decay) * Double(model.values[5])
      #expect(abs(Double(average.values[5]) - expected) < 1e-6)
    }
  }

  @Test func divergenceIsAnError() throws {
    let (model, data) = try Problems.mixture()
    var settings = Problems.settings(.sgd(momentum: 0, isNesterov: false))
    settings.learningRate = 1e30
    let trainer = try Trainer(model, data: data, settings: settings, seed: 1)
    #expect(throws: TrainingError.self) { try trainer.train(0..<50, of: 50) }
  }

  @Test func statesOfOtherOptimizersAreRefused() throws {
    let (model, data) = try Problems.mixture()
    let trainer = try Trainer(
      model, data: data, settings: Problems.settings(Problems.momentum), seed: 1)
    let error = #expect(throws: TrainingError.self) {
      try Trainer(
        model, data: data, settings: Problems.settings(Problems.adamW), seed: 1,
        state: (trainer.state, "s.safetensors"))
    }
    #expect(error?.description.contains("s.safetensors: tensor 'optimizer.exp_avg.") == true)
  }
}
