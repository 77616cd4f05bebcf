public import TensorCore

/// Models that cannot be compared as asked.
public struct DistanceError: DiagnosedError {
  /// What kind of failure this is.
  public let kind: FailureKind
  /// The sentence.
  public let description: String
  /// The way out.
  public let hint: String?

  static func nothingToCompare(_ leftOut: DistancePlan.LeftOut) -> DistanceError {
    let kinds: [(count: Int, noun: String)] = [
      (leftOut.integers.count, "of integers"), (leftOut.batchNorm.count, "of BatchNorm statistics"),
      (leftOut.optimizer.count, "of an optimizer"), (leftOut.quantized.count, "quantised"),
      (leftOut.movingAverages.count, "of moving averages"),
      (leftOut.progress.count, "of the progress of training"),
      (leftOut.missing.count, "that a model lacks"),
    ]
    let counts = kinds.filter { $0.count > 0 }.map { "\($0.count) \($0.noun)" }
    return DistanceError(
      kind: .badInput,
      description: "there is nothing to compare: no tensor is left"
        + (counts.isEmpty
          ? ""
          : " but for tensors that do not count: "
            + counts.joined(separator: ", ")),
      hint: leftOut.integers.isEmpty && leftOut.batchNorm.isEmpty && leftOut.optimizer.isEmpty
        ? nil : "--all-tensors includes integers, BatchNorm statistics and optimizer state")
  }

  /// A sum that float64 cannot hold.
  ///
  /// - Parameter tensor: the tensor or the layer that it is of; nil for all.
  static func outOfRange(
    _ metric: any DistanceMetric.Type, _ models: (String, String), in tensor: String?,
    _ quantity: PairReduction.Quantity, isLarge: Bool
  ) -> DistanceError {
    let isSquare = quantity == .squaredDifferences || quantity == .products
    return DistanceError(
      kind: .badInput,
      description: "\(models.0) and \(models.1): "
        + (tensor.map { "in '\($0)' " } ?? "") + "the values are finite, but their "
        + (isSquare ? "squares" : "differences")
        + (isLarge ? " are too large for F64" : " are too small for F64")
        + ", and \(metric.name) is made of them",
      hint: (tensor == nil ? "" : "--exclude leaves a tensor out; ")
        + (isSquare ? "--metric l1, max and sign-agreement need no squares" : "")
        + (isLarge
          ? (isSquare ? "; " : "") + "--allow-nan takes the result for infinity" : ""))
  }

  static func needsBase(_ metric: any DistanceMetric.Type) -> DistanceError {
    DistanceError(
      kind: .usage,
      description: "\(metric.name) compares task vectors, which are differences from a base",
      hint: "name the model that training started from: --base init.safetensors")
  }
}
