import Testing

@testable import Training

/// What averaging does, with margins of several standard errors: the seeds are fixed, but training is
/// chaotic, and other matrix kernels could lead elsewhere.
@Suite struct LongTailExperimentTests {
  @Test func averagingHelpsAsMuchAsItShould() throws {
    var experiment = LongTailExperiment()
    experiment.procedures = [.alone, .together, .withoutMomentum]
    let imbalanced = ExperimentSummary(imbalance: 50, outcomes: try experiment.run())
    #expect(imbalanced.outcomes.count == 8)
    #expect(imbalanced.gain(of: .iterative, over: .single).mean > 1.5)
    #expect(imbalanced.gain(of: .iterative, over: .vanilla).mean > 0)
    #expect(imbalanced.gain(of: .iterativeMovingAverage, over: .iterative).mean > 1)
    let withoutMomentum = MeanEstimate(
      imbalanced.outcomes.map {
        ($0.accuracies[.iterative] ?? .nan) - ($0.accuracyWithoutMomentum ?? .nan)
      })
    #expect(withoutMomentum.mean > 1)
    experiment.procedures = [.alone]
    experiment.imbalance = 1
    let balanced = ExperimentSummary(imbalance: 1, outcomes: try experiment.run())
    #expect(imbalanced.distance.mean - balanced.distance.mean > 2)
  }
}
