/// The largest difference of one parameter: max|a−b|; the result tells where it is.
public enum MaximumDistance: DistanceMetric {
  /// `max`.
  public static let name = "max"
  /// “largest difference”.
  public static let title = "largest difference"
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.largestDifference]
  /// The sum that the size of a model is made of.
  public static let sizeQuantity: DistanceQuantity? = .largestMagnitude

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double {
    // NaN is passed over when the largest is looked for, and must not be lost.
    pair.squaredDifferences.isNaN ? .nan : pair.largestDifference
  }

  /// The largest magnitude of the model.
  public static func size(_ model: ModelQuantities) -> Double? { model.largestMagnitude }
}
