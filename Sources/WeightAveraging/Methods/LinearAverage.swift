public import TensorCore

/// The mean or weighted mean: uniform model soups, vanilla weight averaging.
///
/// Uniform: (x₁ + … + x_M)·(1/M). Weighted: c₁x₁ + … + c_Mx_M with cᵢ = wᵢ/Σw; weights of zero and below are
/// legal. Where some inputs lack a tensor, the weights of the others are normalised again.
/// (Wortsman et al. 2022, "Model soups", arXiv 2203.05482.)
public struct LinearAverage: MergeMethod {
  /// `linear`, as in other merge tools.
  public static let name = "linear"

  /// The weight of each input; nil when all count the same.
  public let weights: [Double]?

  /// Averages `inputCount` inputs.
  ///
  /// - Throws: `MergeError` when the weights are not as many, not finite, or sum to zero.
  public init(weights: [Double]? = nil, inputCount: Int) throws(MergeError) {
    guard inputCount > 0 else { throw MergeError(.noInputs, "there is nothing to average") }
    self.weights = weights
    guard let weights else { return }
    guard weights.count == inputCount else {
      throw MergeError(
        .weightCount, "\(weights.count) weights for \(inputCount) inputs",
        hint: "give one weight for each input, in the order of the inputs")
    }
    guard weights.allSatisfy({ $0.isFinite }) else {
      throw MergeError(.weightNotFinite, "a weight is not a finite number")
    }
    _ = try recurrence(inputs: Array(weights.indices))
  }

  /// The weight of an input.
  public func parameter(ofInput number: Int) -> (name: String, value: Double)? {
    weights.map { ("weight", $0[number]) }
  }

  /// Coefficients that sum to 1 over these inputs.
  ///
  /// - Throws: `MergeError` when their weights sum to zero.
  public func recurrence(inputs: [Int]) throws(MergeError) -> LinearRecurrence {
    guard let weights else { return .uniform(inputCount: inputs.count) }
    let chosen = inputs.map { weights[$0] }
    let sum = chosen.dropFirst().reduce(chosen[0], +)
    let coefficients = chosen.map { $0 / sum }
    guard sum != 0, sum.isFinite, coefficients.allSatisfy({ $0.isFinite }) else {
      throw MergeError(
        .weightsSumToZero,
        "the weights \(chosen.map { "\($0)" }.joined(separator: ", ")) sum to "
          + (sum == 0 ? "zero" : "\(sum), by which they cannot be divided"),
        hint: "weights are divided by their sum, which must be a finite number other than zero")
    }
    return .weighted(coefficients: coefficients)
  }
}
