/// The Euclidean distance by the mean norm of the two models: ‖a−b‖ / ½(‖a‖+‖b‖).
public enum RelativeL2Distance: DistanceMetric {
  /// `relative-l2`.
  public static let name = "relative-l2"
  /// “L2 distance / mean norm”.
  public static let title = "L2 distance / mean norm"
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.squaredDifferences, .squares]

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double {
    let meanNorm = (pair.a.squares.squareRoot() + pair.b.squares.squareRoot()) / 2
    // Models of nothing but zeros are the same.
    return pair.squaredDifferences == 0 ? 0 : pair.squaredDifferences.squareRoot() / meanNorm
  }
}
