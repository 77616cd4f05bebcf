/// The Euclidean distance per parameter: √(Σ(a−b)²/n), which does not grow with the model.
public enum RootMeanSquareDistance: DistanceMetric {
  /// `rms`.
  public static let name = "rms"
  /// “root mean square difference”.
  public static let title = "root mean square difference"
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.squaredDifferences]
  /// The sum that the size of a model is made of.
  public static let sizeQuantity: DistanceQuantity? = .squares

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double {
    (pair.squaredDifferences / Double(pair.parameterCount)).squareRoot()
  }

  /// The root mean square of the model's parameters.
  public static func size(_ model: ModelQuantities) -> Double? {
    (model.squares / Double(model.parameterCount)).squareRoot()
  }
}
