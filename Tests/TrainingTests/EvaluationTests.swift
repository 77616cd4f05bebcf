import Foundation
import Testing

@testable import Training

@Suite struct EvaluationTests {
  /// A linear classifier of two features whose logits are the features.
  private static func identity() throws -> Model {
    let model = Model(try Architecture(inputCount: 2, hiddenCounts: [], classCount: 2), seed: 0)
    model.values.copy(from: [1, 0, 0, 1], to: model.layout.entries[0].offset)
    return model
  }

  @Test func figuresAreThoseOfTheirDefinitions() throws {
    // Confidences: 1/(1+e^-d) for the difference d of the features.
    let differences: [Float] = [2, 2, -2, 0.1, -3, -3]
    let labels: [Int32] = [0, 0, 0, 0, 1, 0]
    let data = try DataSet(
      features: differences.flatMap { [$0, 0] }, labels: labels, featureCount: 2, classCount: 2)
    let evaluation = try Evaluation(Self.identity(), on: data, trainingSizes: [5, 1])
    #expect(evaluation.confusion == [[3, 2], [0, 1]])
    #expect(abs(evaluation.accuracy - 4.0 / 6) < 1e-15)
    #expect(evaluation.recalls == [0.6, 1])
    #expect(abs(evaluation.balancedAccuracy - 0.8) < 1e-15)
    func confidence(_ difference: Double) -> Double { 1 / (1 + exp(-abs(difference))) }
    let losses = zip(differences, labels).map { difference, label in
      log(1 + exp(label == 0 ? -Double(difference) : Double(difference)))
    }
    #expect(abs(evaluation.loss - losses.reduce(0, +) / 6) < 1e-6)
    // Bins: three of confidence .88, one of .52, two of .95.
    let expected =
      (abs(2 - 3 * confidence(2)) + abs(1 - confidence(0.1)) + abs(1 - 2 * confidence(3))) / 6
    #expect(abs(evaluation.expectedCalibrationError - expected) < 1e-6)
    #expect(evaluation.json["balanced_accuracy"]?.double == evaluation.balancedAccuracy)
    #expect(evaluation.json["head"]?.double == 0.6)
    #expect(evaluation.json["medium"]?.double == 1)
    #expect(evaluation.json["tail"] == .null)
  }

  @Test func headAndTailAreThirdsByTrainingSamples() throws {
    let model = Model(try Architecture(inputCount: 1, hiddenCounts: [], classCount: 7), seed: 1)
    let data = try DataSet(
      features: [0, 0, 0], labels: [1, 1, 4], featureCount: 1, classCount: 7)
    let known = try Evaluation(model, on: data, trainingSizes: [1, 90, 2, 80, 70, 3, 60])
    // All logits are alike: everything is taken for class 0, and only classes 1 and 4 have samples.
    let groups = try #require(known.headMediumTail)
    #expect(groups.head == 0 && groups.medium == nil && groups.tail == nil)
    #expect(
      try Evaluation(model, on: data, trainingSizes: [5, 5, 5, 5, 5, 5, 5]).headMediumTail == nil)
    #expect(try Evaluation(model, on: data).headMediumTail == nil)
    #expect(known.recalls == [nil, 0, nil, nil, 0, nil, nil])
  }

  @Test func modelsForOtherDataAreRefused() throws {
    let data = try DataSet(features: [1, 2, 3], labels: [0], featureCount: 3, classCount: 2)
    let model = try Self.identity()
    let error = #expect(throws: TrainingError.self) { try Evaluation(model, on: data) }
    #expect(error?.description.contains("takes 2 features") == true)
  }
}
