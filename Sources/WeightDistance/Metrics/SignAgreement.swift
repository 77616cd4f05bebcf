/// The part of the parameters that have the same sign in both; zero has a sign of its own.
public enum SignAgreement: DistanceMetric {
  public static let name = "sign-agreement"
  public static let title = "sign agreement"
  public static let isSimilarity = true
  public static let quantities: Set<DistanceQuantity> = [.signDifferences]

  public static func value(_ pair: PairQuantities) -> Double {
    if pair.squaredDifferences.isNaN { return .nan }
    return 1 - pair.signDifferences / Double(pair.parameterCount)
  }
}
