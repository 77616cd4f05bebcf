public import TensorCore

/// What to do where inputs differ, and with values that are not weights.
public struct AlignmentPolicy: Sendable {
  /// How the tensors of one input find those of another.
  public enum Match: String, Sendable, Hashable, CaseIterable {
    /// By their names.
    case name
    /// By their order, which is that of the model: names may differ, shapes may not.
    case position
  }

  /// What the inputs are aligned for.
  public enum Purpose: Sendable, Hashable {
    /// One model is made of them: dtypes must be the same, unless one is asked for.
    case merging
    /// Their values are compared: dtypes of one kind may differ.
    case comparing
    /// Tensors of one model are chosen: what becomes of those that cannot be read is the caller's matter.
    case choosing
  }

  /// Tensors that some inputs lack.
  public enum Missing: String, Sendable, Hashable, CaseIterable {
    /// They are an error.
    case error
    /// They are left out.
    case intersect
    /// They are combined from the inputs that have them.
    case union
  }

  /// Integers and truth values that differ between inputs.
  public enum Integers: String, Sendable, Hashable, CaseIterable {
    /// Those of the first input are taken.
    case first
    /// The largest of the inputs is taken, element by element.
    case max
    /// They are an error.
    case error
  }

  /// The state of an optimizer among the weights.
  public enum Optimizer: String, Sendable, Hashable, CaseIterable {
    /// It is left out.
    case drop
    /// That of the first input is taken.
    case first
    /// It is treated like weights.
    case average
  }

  /// The running statistics of batch normalisation.
  public enum BatchNorm: String, Sendable, Hashable, CaseIterable {
    /// They are treated like weights.
    case average
    /// Those of the first input are taken.
    case first
    /// The variance is that of all data together: Σcᵢ(varᵢ+meanᵢ²) − (Σcᵢmeanᵢ)².
    case pooled
  }

  /// How tensors find each other.
  public var match = Match.name
  /// What the inputs are aligned for.
  public var purpose = Purpose.merging
  /// Tensors that some inputs lack.
  public var missing = Missing.error
  /// Integers and truth values that differ; nil takes the counters of the first input, and refuses what is too large to
  /// be a counter: it may be the codes of a quantisation.
  public var integers: Integers?
  /// The state of an optimizer.
  public var optimizer = Optimizer.first
  /// The running statistics of batch normalisation.
  public var batchNorm = BatchNorm.average
  /// The dtype of averaged real tensors; nil for that of the inputs.
  public var outputDType: DType?
  /// The narrowest dtype of averaged real tensors, where none is asked for: what is added to again and again must not lose
  /// each addition in rounding.
  public var narrowestDType: DType?
  /// Patterns of which a tensor's name must match one; empty for all tensors.
  public var include: [Glob] = []
  /// Patterns of which a tensor's name may match none.
  public var exclude: [Glob] = []

  /// The defaults.
  public init() {}
}

extension AlignmentPolicy {
  /// The dtype that an averaged tensor of this dtype gets.
  func outputDType(for dtype: DType) -> DType {
    guard dtype.kind == .floating else { return dtype }
    if let outputDType { return outputDType }
    guard let narrowestDType, dtype.bitWidth < narrowestDType.bitWidth else { return dtype }
    return narrowestDType
  }

  /// Whether inputs of different dtypes of floating point are converted rather than refused.
  var convertsDTypes: Bool { outputDType != nil || narrowestDType != nil }
}
