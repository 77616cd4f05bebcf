/// The cosine of the angle between the models as vectors: Σab / (‖a‖·‖b‖).
public enum CosineSimilarity: DistanceMetric {
  public static let name = "cosine"
  public static let title = "cosine similarity"
  public static let isSimilarity = true
  public static let quantities: Set<DistanceQuantity> = [.products, .squares]

  public static func value(_ pair: PairQuantities) -> Double {
    PairQuantities.cosine(pair.products, pair.a.squares, pair.b.squares)
  }
}
