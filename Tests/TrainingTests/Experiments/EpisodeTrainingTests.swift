import TensorCore
import Testing
import WeightAveraging

@testable import Training

/// What iterative averaging must be equal to.
@Suite struct EpisodeTrainingTests {
  private static func training(_ settings: TrainingSettings, members: Int) -> EpisodeTraining {
    var training = EpisodeTraining()
    training.settings = settings
    training.seeds = (0..<UInt64(members)).map { 10 + $0 }
    training.iterations = 23
    training.episodes = 5
    return training
  }

  @Test func oneMemberIsPlainTraining() throws {
    let (model, data) = try Problems.mixture(hasBatchNorm: true)
    let settings = Problems.settings(Problems.adamW)
    let result = try Self.training(settings, members: 1).run(from: model, on: data)
    let plain = try Trainer(model.copy(), data: data, settings: settings, seed: 10)
    try plain.train(0..<23, of: 23)
    #expect(try Problems.bytes(result.average.weights) == Problems.bytes(plain.model.weights))
    #expect(
      try Problems.bytes(#require(result.movingAverage).weights)
        == Problems.bytes(#require(plain.average).weights))
  }

  @Test func averagesAreThoseOfCheckpoints() throws {
    let (model, data) = try Problems.mixture(hasBatchNorm: true)
    var training = Self.training(Problems.settings(Problems.momentum), members: 3)
    training.episodes = 1
    let result = try training.run(from: model, on: data)
    let onDisk = try WeightMap.average(of: result.members.map(\.model.weights))
    #expect(try Problems.bytes(result.average.weights) == Problems.bytes(onDisk))
  }

  /// Two members have two orders of one sum: nothing but the last rounding of three or more can differ.
  @Test func orderOfMembersDoesNotMatter() throws {
    let (model, data) = try Problems.mixture()
    var training = Self.training(Problems.settings(Problems.momentum), members: 4)
    training.episodes = 1
    let members = try training.run(from: model, on: data).members.map(\.model)
    let forward = Model.average(of: members)
    let backward = Model.average(of: [members[2], members[0], members[3], members[1]])
    for index in 0..<forward.values.count {
      let (left, right) = (forward.values[index], backward.values[index])
      #expect(left == right || left.nextUp == right || left.nextDown == right)
    }
    let pair = [members[0], members[1]]
    #expect(
      try Problems.bytes(Model.average(of: pair).weights)
        == Problems.bytes(Model.average(of: pair.reversed()).weights))
  }

  /// Averaging after each step, with momentum kept, is a step of the mean gradient.
  @Test(arguments: [0, 0.9])
  func oneStepEpisodesAreLargerBatches(momentum: Double) throws {
    var settings = TrainingSettings()
    settings.optimizer = .sgd(momentum: momentum, isNesterov: false)
    settings.batchSize = 6
    settings.learningRate = 0.02
    settings.weightDecay = 1e-3
    let (start, data) = try Problems.mixture()
    let members = try (0..<3).map { _ in
      try Trainer(start.copy(), data: data, settings: settings, seed: 1)
    }
    settings.batchSize = 18
    let large = try Trainer(start.copy(), data: data, settings: settings, seed: 1)
    var random = RandomNumbers(seed: 3, purpose: .sampleOrder)
    for iteration in 0..<40 {
      let samples = (0..<18).map { _ in Int32(random.below(data.count)) }
      let noise = Array(repeating: UInt32(0), count: 18)
      for (index, member) in members.enumerated() {
        let part = Array(samples[index * 6..<index * 6 + 6])
        _ = member.step(part, noiseOffsets: Array(noise[..<6]), at: iteration, of: 40)
      }
      let average = Model.average(of: members.map(\.model))
      for member in members {
        member.restart(from: average, movingAverage: nil, forgetting: false)
      }
      _ = large.step(samples, noiseOffsets: noise, at: iteration, of: 40)
    }
    #expect(Problems.largestDifference(members[0].model, large.model) < 3e-6)
    #expect(Problems.largestDifference(start, large.model) > 0.03)
  }

  @Test func forgettingMomentumIsAnotherThing() throws {
    let (model, data) = try Problems.mixture()
    var training = Self.training(Problems.settings(Problems.momentum), members: 2)
    let kept = try training.run(from: model, on: data).average
    training.optimizerCarry = .reset
    let forgotten = try training.run(from: model, on: data).average
    #expect(Problems.largestDifference(kept, forgotten) > 1e-3)
  }

  @Test func remaindersGoToTheFirstEpisodes() {
    let ranges = EpisodeTraining.boundaries(iterations: 23, episodes: 5)
    #expect(ranges == [0..<5, 5..<10, 10..<15, 15..<19, 19..<23])
  }

  @Test(arguments: [(0, 2), (24, 2), (5, 0)])
  func impossibleRunsAreRefused(episodes: Int, members: Int) throws {
    let (model, data) = try Problems.mixture()
    var training = Self.training(TrainingSettings(), members: members)
    training.episodes = episodes
    #expect(throws: TrainingError.self) { try training.run(from: model, on: data) }
  }
}
