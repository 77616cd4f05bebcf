/// The part of the parameters that have the same sign in both; zero has a sign of its own.
public enum SignAgreement: DistanceMetric {
  /// `sign-agreement`.
  public static let name = "sign-agreement"
  /// “sign agreement”.
  public static let title = "sign agreement"
  /// It is large for models that are alike.
  public static let isSimilarity = true
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.signDifferences]

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double {
    if pair.squaredDifferences.isNaN { return .nan }
    return 1 - pair.signDifferences / Double(pair.parameterCount)
  }
}
