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
    let counts = [
      (leftOut.integers.count, "of integers"), (leftOut.batchNorm.count, "of BatchNorm statistics"),
      (leftOut.optimizer.count, "of an optimizer"), (leftOut.quantized.count, "quantised"),
      (leftOut.missing.count, "that a model lacks"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
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

  static func needsBase(_ metric: any DistanceMetric.Type) -> DistanceError {
    DistanceError(
      kind: .usage,
      description: "\(metric.name) compares task vectors, which are differences from a base",
      hint: "name the model that training started from: --base init.safetensors")
  }
}
