public import Checkpoints
public import TensorCore

extension WeightMap {
  /// The tensors that the patterns of a policy choose, with their values as they are.
  ///
  /// - Throws: `SelectionError` for a pattern that matches nothing, and when nothing is left.
  public func selecting(_ policy: AlignmentPolicy) throws -> WeightMap {
    if policy.include.isEmpty && policy.exclude.isEmpty { return self }
    let plan = try MergePlan([self], labels: [""], policy: policy)
    return WeightMap(distinct: plan.entries.map { $0.tensors[0] }, metadata: metadata)
  }
}
