/// The sum of the differences: Σ|a−b|.
public enum L1Distance: DistanceMetric {
  /// `l1`.
  public static let name = "l1"
  /// “L1 distance”.
  public static let title = "L1 distance"
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.absoluteDifferences]
  /// The sum that the size of a model is made of.
  public static let sizeQuantity: DistanceQuantity? = .magnitudes

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double { pair.absoluteDifferences }

  /// The sum of the model's magnitudes.
  public static func size(_ model: ModelQuantities) -> Double? { model.magnitudes }
}
