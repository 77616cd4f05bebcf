/// The mean of numbers and its standard error.
public struct MeanEstimate: Sendable, Hashable {
  /// The mean.
  public let mean: Double
  /// The standard error of the mean; 0 for a single number.
  public let standardError: Double
  /// How many of the numbers are above zero.
  public let positiveCount: Int
  /// How many numbers there are.
  public let count: Int

  /// Estimates from numbers, of which there must be some.
  public init(_ numbers: [Double]) {
    precondition(!numbers.isEmpty, "a mean needs numbers")
    let total = Double(numbers.count)
    let mean = numbers.reduce(0, +) / total
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.mean = mean
    standardError = numbers.count > 1 ? (squares / (total - 1) / total).squareRoot() : 0
    positiveCount = numbers.count { $0 > 0 }
    count = numbers.count
  }
}
