/// How far models lie apart.
public struct DistanceReport: Sendable {
  /// Two models, counted from 0; `b` is the number of models when it is the base.
  public struct Pair: Sendable, Hashable {
    /// The models.
    public let a, b: Int
  }

  /// A parameter.
  public struct Place: Sendable, Hashable {
    /// The name of its tensor.
    public let tensor: String
    /// Its indexes in the tensor; empty for a scalar.
    public let indexes: [Int]
  }

  /// The distances over some tensors.
  public struct Group: Sendable {
    /// The tensor or the layer; empty for all.
    public let name: String
    /// How many real numbers it has in each model.
    public let parameterCount: Int
    /// The value of each metric for each pair: those of the first pair come first.
    let values: [Double]
    /// Where each pair has its largest difference, when that was asked for.
    public let places: [Place?]
    let metricCount: Int

    /// The value of a metric, counted in the report's list, for a pair, counted in the report's list.
    public func value(ofPair pair: Int, metric: Int = 0) -> Double {
      values[pair * metricCount + metric]
    }
  }

  /// How far models lie from their mean.
  public struct Spread: Sendable {
    /// The L2 distance of each model to the mean.
    public let distancesToMean: [Double]
    /// The norm of the mean.
    public let normOfMean: Double
    /// The mean of the models' norms.
    public let meanNorm: Double

    /// The norm of the mean by the mean norm: 1 when the models are the same, and smaller the more they
    /// point in different directions.
    public var ratio: Double { normOfMean / meanNorm }
  }

  /// What the models are called.
  public let models: [String]
  /// What the base is called.
  public let base: String?
  /// The metrics in the order of the values.
  public let metrics: [any DistanceMetric.Type]
  /// Whether distances were divided by the mean size of the two models.
  public let isNormalized: Bool
  /// What does not count.
  public let leftOut: DistancePlan.LeftOut
  /// How many tensors count.
  public let tensorCount: Int
  /// The pairs of models: 0–1, 0–2, …, 1–2, …
  public let pairs: [Pair]
  /// Each model and the base; behind the pairs of models among the values.
  public let basePairs: [Pair]
  /// The distances over all tensors that count.
  public let total: Group
  /// The distances of each tensor, in the order of the first model; empty when not asked for.
  public let tensors: [Group]
  /// The distances of each layer, in the order of the first model, numbered ones by their numbers; empty when not asked for.
  public let layers: [Group]
  /// How far the models lie from their mean; nil for one model, when not asked for, or when it has no value.
  public let spread: Spread?
  /// What has no value because the squares of values leave the range of F64: further metrics, and `spread`.
  public let undefined: [String]
  /// The first value of each model that is not finite, when they are allowed.
  public let nonFinite: [String]

  /// How many real numbers count.
  public var parameterCount: Int { total.parameterCount }

  /// The distance of two models by a metric, counted in the list.
  public func distance(between a: Int, and b: Int, metric: Int = 0) -> Double {
    guard
      let pair = pairs.firstIndex(where: { $0.a == min(a, b) && $0.b == max(a, b) })
    else { preconditionFailure("no such pair") }
    return total.value(ofPair: pair, metric: metric)
  }

  /// The distance of each model from the base by a metric, counted in the list; empty without a base.
  public func distancesFromBase(metric: Int = 0) -> [Double] {
    basePairs.indices.map { total.value(ofPair: pairs.count + $0, metric: metric) }
  }
}
