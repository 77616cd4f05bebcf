/// A linear combination of inputs, evaluated in float64 in the order of the inputs and rounded once.
///
/// acc = c₁·x₁; then acc = dₘ·acc + cₘ·xₘ for m = 2…M; the result is acc·scale. Weighted averages have no
/// decays, uniform ones no coefficients either, exponential moving averages have both. The first product
/// starts the sum, so that −0.0 survives, and nothing is fused.
public struct LinearRecurrence: Sendable, Hashable {
  /// How many inputs are combined.
  public let inputCount: Int
  /// What each input is multiplied by; nil for 1.
  public let coefficients: [Double]?
  /// What the sum is multiplied by before each input is added (the first is not used); nil for 1.
  public let decays: [Double]?
  /// What the final sum is multiplied by.
  public let scale: Double

  /// The mean: (x₁ + … + x_M)·(1/M).
  public static func uniform(inputCount: Int) -> LinearRecurrence {
    precondition(inputCount > 0)
    return LinearRecurrence(
      inputCount: inputCount, coefficients: nil, decays: nil, scale: 1 / Double(inputCount))
  }

  /// A weighted sum: c₁x₁ + … + c_Mx_M.
  public static func weighted(coefficients: [Double]) -> LinearRecurrence {
    precondition(!coefficients.isEmpty)
    return LinearRecurrence(
      inputCount: coefficients.count, coefficients: coefficients, decays: nil, scale: 1)
  }

  /// Exponential moving average: ω ← λₘω + (1−λₘ)xₘ for each λ, ω being the first input at the start.
  public static func movingAverage(decays: [Double]) -> LinearRecurrence {
    LinearRecurrence(
      inputCount: decays.count + 1, coefficients: [1] + decays.map { 1 - $0 }, decays: [1] + decays,
      scale: 1)
  }
}
