/// The Euclidean distance: √Σ(a−b)².
public enum L2Distance: DistanceMetric {
  /// `l2`.
  public static let name = "l2"
  /// “L2 distance”.
  public static let title = "L2 distance"
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.squaredDifferences]
  /// The sum that the size of a model is made of.
  public static let sizeQuantity: DistanceQuantity? = .squares

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double {
    pair.squaredDifferences.squareRoot()
  }

  /// The norm of the model.
  public static func size(_ model: ModelQuantities) -> Double? { model.squares.squareRoot() }
}
