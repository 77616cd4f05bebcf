public import Checkpoints
public import TensorCore

extension WeightMap {
  /// The mean or weighted mean of checkpoints, exact and lazy: values are computed when they are read or
  /// written.
  ///
  /// - Parameters:
  ///   - maps: the inputs; the result has the order and metadata of the first.
  ///   - weights: one number for each input, which are divided by their sum; nil for the mean.
  ///   - policy: what to do where the inputs differ.
  /// - Throws: `AlignmentError` with all mismatches, `MergeError` for weights that make no sense.
  public static func average(
    of maps: [WeightMap], weights: [Double]? = nil, policy: AlignmentPolicy = AlignmentPolicy()
  ) throws -> WeightMap {
    let method = try LinearAverage(weights: weights, inputCount: maps.count)
    return try merge(maps, by: method, policy: policy)
  }

  /// This average after one more checkpoint: decay·self + (1−decay)·next.
  ///
  /// - Throws: `AlignmentError` with all mismatches, `MergeError` for a decay out of range.
  public func merge(
    _ next: WeightMap, decay: Double, policy: AlignmentPolicy = AlignmentPolicy()
  ) throws -> WeightMap {
    let method = try ExponentialMovingAverage(decay: decay, updateCount: 1)
    return try WeightMap.merge([self, next], by: method, policy: policy)
  }

  /// The result of a merge method, lazy.
  ///
  /// - Throws: `AlignmentError` with all mismatches, `MergeError` for parameters that make no sense.
  public static func merge(
    _ maps: [WeightMap], by method: some MergeMethod, policy: AlignmentPolicy = AlignmentPolicy()
  ) throws -> WeightMap {
    let labels = maps.indices.map { "input \($0 + 1)" }
    let plan = try MergePlan(maps, labels: labels, policy: policy)
    return try plan.weights { try method.recurrence(inputs: $0) }.recording(nil)
  }
}
