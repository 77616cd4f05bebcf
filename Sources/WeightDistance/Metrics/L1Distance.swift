/// The sum of the differences: Σ|a−b|.
public enum L1Distance: DistanceMetric {
  public static let name = "l1"
  public static let title = "L1 distance"
  public static let quantities: Set<DistanceQuantity> = [.absoluteDifferences]
  public static let sizeQuantity: DistanceQuantity? = .magnitudes

  public static func value(_ pair: PairQuantities) -> Double { pair.absoluteDifferences }

  /// The sum of the model's magnitudes.
  public static func size(_ model: ModelQuantities) -> Double? { model.magnitudes }
}
