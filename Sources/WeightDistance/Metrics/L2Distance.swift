/// The Euclidean distance: √Σ(a−b)².
public enum L2Distance: DistanceMetric {
  public static let name = "l2"
  public static let title = "L2 distance"
  public static let quantities: Set<DistanceQuantity> = [.squaredDifferences]
  public static let sizeQuantity: DistanceQuantity? = .squares

  public static func value(_ pair: PairQuantities) -> Double {
    pair.squaredDifferences.squareRoot()
  }

  /// The norm of the model.
  public static func size(_ model: ModelQuantities) -> Double? { model.squares.squareRoot() }
}
