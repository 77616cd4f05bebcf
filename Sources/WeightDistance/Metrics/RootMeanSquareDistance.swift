/// The Euclidean distance per parameter: √(Σ(a−b)²/n), which does not grow with the model.
public enum RootMeanSquareDistance: DistanceMetric {
  public static let name = "rms"
  public static let title = "root mean square difference"
  public static let quantities: Set<DistanceQuantity> = [.squaredDifferences]
  public static let sizeQuantity: DistanceQuantity? = .squares

  public static func value(_ pair: PairQuantities) -> Double {
    (pair.squaredDifferences / Double(pair.parameterCount)).squareRoot()
  }

  /// The root mean square of the model's parameters.
  public static func size(_ model: ModelQuantities) -> Double? {
    (model.squares / Double(model.parameterCount)).squareRoot()
  }
}
