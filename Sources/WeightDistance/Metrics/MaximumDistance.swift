/// The largest difference of one parameter: max|a−b|; the result tells where it is.
public enum MaximumDistance: DistanceMetric {
  public static let name = "max"
  public static let title = "largest difference"
  public static let quantities: Set<DistanceQuantity> = [.largestDifference]
  public static let sizeQuantity: DistanceQuantity? = .largestMagnitude

  public static func value(_ pair: PairQuantities) -> Double {
    // NaN is passed over when the largest is looked for, and must not be lost.
    pair.squaredDifferences.isNaN ? .nan : pair.largestDifference
  }

  /// The largest magnitude of the model.
  public static func size(_ model: ModelQuantities) -> Double? { model.largestMagnitude }
}
