public import JSONText

/// What the seeds of an experiment say together.
public struct ExperimentSummary: Sendable {
  /// How many times as many samples the first class had as the last one.
  public let imbalance: Double
  /// What each seed gave.
  public let outcomes: [LongTailExperiment.Outcome]

  /// Takes the outcomes of an experiment, of which there must be some.
  public init(imbalance: Double, outcomes: [LongTailExperiment.Outcome]) {
    precondition(!outcomes.isEmpty, "a summary needs outcomes")
    self.imbalance = imbalance
    self.outcomes = outcomes
  }

  /// The accuracy of a method, in percent.
  public func accuracy(_ method: LongTailExperiment.Method) -> MeanEstimate {
    MeanEstimate(outcomes.map { $0.accuracies[method] ?? .nan })
  }

  /// How much better a method is than another one with the same seeds, in points of percent.
  public func gain(
    of method: LongTailExperiment.Method, over other: LongTailExperiment.Method
  ) -> MeanEstimate {
    MeanEstimate(
      outcomes.map { ($0.accuracies[method] ?? .nan) - ($0.accuracies[other] ?? .nan) })
  }

  /// The L2 distance of models that were trained alone.
  public var distance: MeanEstimate { MeanEstimate(outcomes.map(\.distance)) }

  /// All results; accuracies in percent, seed by seed.
  public var json: JSONValue {
    let accuracies = LongTailExperiment.Method.allCases.map { method in
      JSONValue.Member(
        method.rawValue, .array(outcomes.map { .float($0.accuracies[method] ?? .nan) }))
    }
    return .object([
      JSONValue.Member("imbalance", .float(imbalance)),
      JSONValue.Member("accuracy", .object(accuracies)),
      JSONValue.Member("l2_distance", .array(outcomes.map { .float($0.distance) })),
    ])
  }
}
