import Checkpoints
import TensorCore

/// The tensors that models are compared by, and those that are left out.
public struct DistancePlan: Sendable {
  /// Tensors that do not count, by the reason.
  public struct LeftOut: Sendable {
    /// Running statistics of normalisations.
    public var batchNorm: [String] = []
    /// The state of an optimizer.
    public var optimizer: [String] = []
    /// Integers and truth values.
    public var integers: [String] = []
    /// Moving averages of the weights that count.
    public var movingAverages: [String] = []
    /// Steps, metrics and states of random numbers.
    public var progress: [String] = []
    /// Codes of a quantisation, and what belongs to them.
    public var quantized: [String] = []
    /// Tensors that a model lacks.
    public var missing: [String] = []
  }

  /// The tensors that count, of each model and last of the base.
  let rows: [[Tensor]]
  /// What does not count.
  public let leftOut: LeftOut
  /// How many tensors count that are no weights, because all numbers do.
  public let otherCount: Int
  /// How many real numbers count.
  public var parameterCount: Int { rows.reduce(0) { $0 + $1[0].parameterCount } }
  /// How many tensors count.
  public var tensorCount: Int { rows.count }

  /// Aligns models.
  ///
  /// - Parameters:
  ///   - models: the models, and last the base when there is one.
  ///   - labels: what to call them in messages.
  /// - Throws: `AlignmentError` with all mismatches, `SelectionError` for a pattern that matches nothing,
  ///   `DistanceError` when nothing is left.
  init(_ models: [WeightMap], labels: [String], options: DistanceOptions) throws {
    let plan = try MergePlan(models, labels: labels, policy: options.policy)
    var leftOut = LeftOut()
    leftOut.optimizer = plan.optimizerTensors
    leftOut.missing = plan.leftOut
    var rows: [[Tensor]] = []
    rows.reserveCapacity(plan.entries.count)
    for entry in plan.entries where !leftOut.takes(entry, scope: options.scope) {
      rows.append(entry.tensors)
    }
    otherCount =
      options.scope == .allNumbers
      ? plan.entries.count { $0.role != .weight && $0.role != .code && $0.role != .scale } : 0
    self.rows = rows
    self.leftOut = leftOut
    guard parameterCount > 0 else { throw DistanceError.nothingToCompare(leftOut) }
  }
}

extension DistancePlan.LeftOut {
  /// Notes a tensor that does not count.
  ///
  /// - Returns: whether it does not.
  fileprivate mutating func takes(_ entry: MergePlan.Entry, scope: DistanceOptions.Scope) -> Bool {
    let name = entry.info.name
    switch entry.role {
    // Codes have no distances.
    case .code, .scale: quantized.append(name)
    case _ where scope == .allNumbers: return false
    case .statistic where entry.info.dtype.isAveraged: batchNorm.append(name)
    case .movingAverage: movingAverages.append(name)
    case .progress: progress.append(name)
    default:
      if entry.info.dtype.isAveraged { return false }
      integers.append(name)
    }
    return true
  }
}

extension Tensor {
  /// How many real numbers it has: a complex one counts as two.
  var parameterCount: Int { info.shape.elementCount * (info.dtype.kind == .complex ? 2 : 1) }
}
