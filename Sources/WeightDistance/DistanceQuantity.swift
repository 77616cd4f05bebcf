/// What is added up over the parameters for a metric.
public enum DistanceQuantity: Sendable, Hashable {
  /// Σ (a − b)² of a pair.
  case squaredDifferences
  /// Σ a·b of a pair.
  case products
  /// Σ x² of a model.
  case squares
  /// Σ |a − b| of a pair.
  case absoluteDifferences
  /// Σ |x| of a model.
  case magnitudes
  /// max |a − b| of a pair, and where it is.
  case largestDifference
  /// max |x| of a model.
  case largestMagnitude
  /// How many parameters of a pair have different signs.
  case signDifferences
  /// Σ (a − base)·(b − base) of a pair.
  case taskProducts
  /// Σ (x − base)² of a model.
  case squaredTask
}

/// What was added up over one model; NaN for what was not asked for.
public struct ModelQuantities: Sendable {
  /// How many real numbers it has.
  public var parameterCount = 0
  /// Σ x²
  public var squares = Double.nan
  /// Σ |x|
  public var magnitudes = Double.nan
  /// max |x|
  public var largestMagnitude = Double.nan
  /// Σ (x − base)²
  public var squaredTask = Double.nan
}

/// What was added up over a pair of models; NaN for what was not asked for.
public struct PairQuantities: Sendable {
  /// Each model by itself.
  public var a = ModelQuantities()
  /// Each model by itself.
  public var b = ModelQuantities()
  /// Σ (a − b)²
  public var squaredDifferences = Double.nan
  /// Σ a·b
  public var products = Double.nan
  /// Σ |a − b|
  public var absoluteDifferences = Double.nan
  /// max |a − b|
  public var largestDifference = Double.nan
  /// How many parameters have different signs.
  public var signDifferences = Double.nan
  /// Σ (a − base)·(b − base)
  public var taskProducts = Double.nan

  /// How many real numbers each has.
  public var parameterCount: Int { a.parameterCount }

  /// Cosine of the angle between vectors: NaN when one of them is zero.
  static func cosine(_ product: Double, _ squares: Double, _ otherSquares: Double) -> Double {
    let cosine = product / (squares.squareRoot() * otherSquares.squareRoot())
    // Rounding may carry it out of its range.
    return cosine.isNaN ? cosine : min(1, max(-1, cosine))
  }
}
