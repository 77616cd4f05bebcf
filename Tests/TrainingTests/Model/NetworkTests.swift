import Foundation
import TensorCore
import Testing

@testable import Training

/// Gradients against finite differences of definitions in float64.
@Suite struct NetworkTests {
  static let losses = [
    "cross-entropy", "class-weighted:0.5", "class-weighted:1", "logit-adjusted:1",
    "logit-adjusted:0.7", "balanced-softmax", "focal:2", "focal:0.5", "ldam:0.5", "ldam:0.5,3",
  ]
  static let shapes = ["linear", "one layer", "two layers", "batch norm", "two batch norms"]

  /// A small problem, whose widths are no multiples of anything.
  private static func problem(_ shape: String) throws -> (model: Model, data: DataSet) {
    let hidden: [Int] =
      switch shape {
      case "linear": []
      case "one layer", "batch norm": [19]
      default: [7, 5]
      }
    let architecture = try Architecture(
      inputCount: 6, hiddenCounts: hidden, classCount: 5, hasBatchNorm: shape.contains("batch"))
    let model = Model(architecture, seed: 3)
    // Scales, shifts and biases that are not all alike.
    var random = RandomNumbers(seed: 5, purpose: .initialWeights)
    let jitter = FloatBuffer(count: 64)
    for entry in model.layout.entries where entry.shape.count == 1 {
      random.fillNormal(jitter, 0..<entry.count)
      for index in 0..<entry.count {
        model.values[entry.offset + index] += 0.3 * jitter[index].magnitude
      }
    }
    let values = FloatBuffer(count: 13 * 6)
    random.fillNormal(values, 0..<78)
    let labels: [Int32] = [0, 1, 2, 3, 4, 0, 0, 1, 0, 2, 0, 1, 0]
    let data = try DataSet(
      features: values.values(in: 0..<78), labels: labels, featureCount: 6, classCount: 5)
    return (model, data)
  }

  @Test(
    arguments: losses.map { ("one layer", $0) } + losses.prefix(2).map { ("batch norm", $0) }
      + shapes.map { ($0, "class-weighted:0.5") })
  func gradientsAreFiniteDifferences(shape: String, lossName: String) throws {
    let (model, data) = try Self.problem(shape)
    let loss = try LossFunction(described: lossName)
    let samples = [Int32](0..<11)
    let labels = samples.map { Int(data.labels[Int($0)]) }
    let features = samples.map { data.features(of: Int($0)).map(Double.init) }
    let sizes = data.classSizes.map(Double.init)
    var reference = try ReferenceNetwork(model)
    func lossNow() -> Double {
      ReferenceNetwork.loss(
        loss, logits: reference.logits(features, isTraining: true), labels: labels,
        classSizes: sizes)
    }
    let network = Network(model.layout, capacity: 16)
    let meanLoss = network.backpropagate(
      samples, of: data, noise: nil, noiseOffsets: [],
      loss: LossTerms(loss, classSizes: data.classSizes), model: model)
    #expect(abs(meanLoss - lossNow()) < 2e-6 * max(1, meanLoss))
    for entry in model.layout.entries where entry.offset < model.layout.trainedCount {
      var largest = 0.0
      for index in 0..<entry.count {
        let value = try #require(reference.values[entry.name])[index]
        let step = 1e-5
        reference.values[entry.name]![index] = value + step
        let above = lossNow()
        reference.values[entry.name]![index] = value - step
        let below = lossNow()
        reference.values[entry.name]![index] = value
        let expected = (above - below) / (2 * step)
        let found = Double(network.gradient[entry.offset + index])
        largest = max(largest, abs(found - expected))
      }
      #expect(largest < 3e-6, "\(entry.name)")
    }
  }

  @Test func paddingStaysZero() throws {
    let (model, data) = try Self.problem("two batch norms")
    var settings = TrainingSettings()
    settings.batchSize = 8
    settings.inputNoise = 0.3
    settings.weightDecay = 0.01
    let trainer = try Trainer(model, data: data, settings: settings, seed: 1)
    try trainer.train(0..<20, of: 20)
    var isUsed = Array(repeating: false, count: model.values.count)
    for entry in model.layout.entries {
      for index in entry.range { isUsed[index] = true }
    }
    let padding = isUsed.indices.filter { !isUsed[$0] }
    #expect(padding.count > 20)
    #expect(padding.allSatisfy { model.values[$0] == 0 })
  }

  @Test func runningStatisticsFollowTheBatches() throws {
    let (model, data) = try Self.problem("batch norm")
    let before = try ReferenceNetwork(model)
    let samples = [Int32](0..<9)
    let features = samples.map { data.features(of: Int($0)).map(Double.init) }
    let moments = before.moments(of: before.firstLayer(features))
    _ = Network(model.layout, capacity: 9).backpropagate(
      samples, of: data, noise: nil, noiseOffsets: [],
      loss: LossTerms(.crossEntropy, classSizes: data.classSizes), model: model)
    let after = try ReferenceNetwork(model)
    for (name, seen) in [
      ("layers.1.running_mean", moments.mean),
      ("layers.1.running_var", moments.variance.map { $0 * 9 / 8 }),
    ] {
      let old = try #require(before.values[name])
      let new = try #require(after.values[name])
      for index in old.indices {
        #expect(abs(new[index] - (0.9 * old[index] + 0.1 * seen[index])) < 1e-6, "\(name)")
      }
    }
    #expect(model.trackedBatchCount == 1)
  }

  @Test(arguments: shapes)
  func predictionsUseTheRunningStatistics(shape: String) throws {
    let (model, data) = try Self.problem(shape)
    let reference = try ReferenceNetwork(model)
    let features = (0..<data.count).map { data.features(of: $0).map(Double.init) }
    let logits = reference.logits(features, isTraining: false)
    var seen: [Int] = []
    model.predict(data) { sample, probabilities in
      seen.append(sample)
      for label in 0..<5 {
        let expected = ReferenceNetwork.loss(
          .crossEntropy, logits: [logits[sample]], labels: [label], classSizes: [1, 1, 1, 1, 1])
        #expect(abs(-log(Double(probabilities[label])) - expected) < 1e-5)
      }
    }
    #expect(seen == Array(0..<13))
  }
}
