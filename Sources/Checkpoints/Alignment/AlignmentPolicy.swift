public import TensorCore

/// What to do where inputs differ, and with values that are not weights.
public struct AlignmentPolicy: Sendable {
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

  /// Tensors that some inputs lack.
  public var missing = Missing.error
  /// Integers and truth values that differ.
  public var integers = Integers.first
  /// The state of an optimizer.
  public var optimizer = Optimizer.first
  /// The dtype of averaged real tensors; nil for that of the inputs.
  public var outputDType: DType?
  /// Patterns of which a tensor's name must match one; empty for all tensors.
  public var include: [Glob] = []
  /// Patterns of which a tensor's name may match none.
  public var exclude: [Glob] = []

  /// The defaults.
  public init() {}
}
