import Checkpoints
import TensorCore

/// The tensors that models are compared by, and those that are left out.
public struct DistancePlan: Sendable {
  /// Tensors that do not count, by the reason.
  public struct LeftOut: Sendable {
    /// Running statistics of batch normalisation.
    public var batchNorm: [String] = []
    /// The state of an optimizer.
    public var optimizer: [String] = []
    /// Integers and truth values.
    public var integers: [String] = []
    /// Codes of a quantisation, and what belongs to them.
    public var quantized: [String] = []
    /// Tensors that a model lacks.
    public var missing: [String] = []
  }

  /// The tensors that count, of each model and last of the base.
  let rows: [[Tensor]]
  /// What does not count.
  public let leftOut: LeftOut
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
    let batchNorm = BatchNormStatistics(models[0])
    var leftOut = LeftOut()
    leftOut.optimizer = plan.optimizerTensors
    leftOut.missing = plan.leftOut
    var rows: [[Tensor]] = []
    rows.reserveCapacity(plan.entries.count)
    for entry in plan.entries {
      let name = entry.info.name
      if entry.isQuantized {
        leftOut.quantized.append(name)
      } else if options.scope == .weights, !entry.info.dtype.isAveraged {
        leftOut.integers.append(name)
      } else if options.scope == .weights, batchNorm.role(of: name) != nil {
        leftOut.batchNorm.append(name)
      } else {
        rows.append(entry.tensors)
      }
    }
    self.rows = rows
    self.leftOut = leftOut
    guard parameterCount > 0 else { throw DistanceError.nothingToCompare(leftOut) }
  }
}

extension MergePlan.Entry {
  /// Whether its values are codes, which have no distances.
  fileprivate var isQuantized: Bool {
    if info.dtype.kind == .packed || tensors.contains(where: { $0.info.dtype.kind == .packed }) {
      return true
    }
    switch treatment {
    case .combine, .poolVariance: return false
    case .fixed(let operation):
      return info.dtype.isAveraged || operation == .copyAgreeing(.refuseCodes)
    }
  }
}

extension Tensor {
  /// How many real numbers it has: a complex one counts as two.
  var parameterCount: Int { info.shape.elementCount * (info.dtype.kind == .complex ? 2 : 1) }
}
