public import Checkpoints
public import TensorCore

extension WeightMap {
  /// The L2 distance to another model over what is learned; BatchNorm statistics, optimizer state and
  /// integers are left out.
  ///
  /// - Throws: `AlignmentError` with all mismatches, `StreamError` for NaN and infinity, and what reading
  ///   throws.
  public func distance(to other: WeightMap) throws -> Double {
    var options = DistanceOptions()
    options.measuresSpread = false
    return try WeightMap.distances(among: [self, other], options: options).distance(
      between: 0, and: 1)
  }

  /// How far models lie apart, from their mean, and from the base that they come from: everything in one
  /// pass over the data.
  ///
  /// - Parameters:
  ///   - models: at least one, and at least two without a base.
  ///   - labels: what to call the models in messages; `model 1` and so on by default.
  ///   - base: the model that training started from.
  /// - Throws: `AlignmentError` with all mismatches, `DistanceError` when there is nothing to compare,
  ///   `StreamError` for NaN and infinity, and what reading throws.
  public static func distances(
    among models: [WeightMap], labels: [String]? = nil, base: WeightMap? = nil,
    options: DistanceOptions = DistanceOptions(), stream: StreamOptions = StreamOptions()
  ) throws -> DistanceReport {
    try DistanceMeasurement(
      models, labels: labels ?? models.indices.map { "model \($0 + 1)" },
      base: base.map { ($0, "base") }, options: options
    ).report(stream)
  }
}
