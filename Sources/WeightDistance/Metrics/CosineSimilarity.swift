/// The cosine of the angle between the models as vectors: Σab / (‖a‖·‖b‖).
public enum CosineSimilarity: DistanceMetric {
  /// `cosine`.
  public static let name = "cosine"
  /// “cosine similarity”.
  public static let title = "cosine similarity"
  /// It is large for models that are alike.
  public static let isSimilarity = true
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.products, .squares]

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double {
    PairQuantities.cosine(pair.products, pair.a.squares, pair.b.squares)
  }
}
