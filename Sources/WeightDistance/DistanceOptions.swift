public import Checkpoints

/// What is compared, and what is told of it.
public struct DistanceOptions: Sendable {
  /// The metrics; the first is the main one.
  public var metrics: [any DistanceMetric.Type]
  /// Metrics that are told behind these; NaN where what they are made of leaves the range of F64, which is an
  /// error for the others.
  public var furtherMetrics: [any DistanceMetric.Type] = []
  /// Patterns of which a tensor's name must match one; empty for all tensors.
  public var include: [Glob] = []
  /// Patterns of which a tensor's name may match none.
  public var exclude: [Glob] = []
  /// Tensors that some models lack: an error, or left out.
  public var missing = Missing.error
  /// How the tensors of one model find those of another.
  public var match = AlignmentPolicy.Match.name
  /// Which tensors count.
  public var scope = Scope.weights
  /// Whether distances are divided by the mean size of the two models, where they have a unit.
  public var isNormalized = false
  /// Whether each tensor is told by itself.
  public var tellsTensors = false
  /// Whether each layer is told by itself.
  public var tellsLayers = false
  /// Whether the spread of the set is measured.
  public var measuresSpread = true

  /// Tensors that some models lack.
  public enum Missing: String, Sendable, Hashable, CaseIterable {
    /// They are an error.
    case error
    /// They are left out.
    case intersect
  }

  /// Which tensors count.
  public enum Scope: Sendable, Hashable {
    /// What is learned: floating-point numbers but for BatchNorm statistics and the state of an optimizer.
    case weights
    /// All numbers, integers among them; never the codes of a quantisation.
    case allNumbers
  }

  /// Measures by some metrics.
  public init(_ metrics: [any DistanceMetric.Type] = [L2Distance.self]) {
    precondition(!metrics.isEmpty)
    self.metrics = metrics
  }

  var allMetrics: [any DistanceMetric.Type] { metrics + furtherMetrics }

  var policy: AlignmentPolicy {
    var policy = AlignmentPolicy()
    policy.purpose = .comparing
    policy.match = match
    policy.include = include
    policy.exclude = exclude
    policy.missing = missing == .error ? .error : .intersect
    policy.optimizer = scope == .weights ? .drop : .average
    return policy
  }
}
