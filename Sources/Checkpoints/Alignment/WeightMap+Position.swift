import SystemPackage
package import TensorCore

extension WeightMap {
  /// Whether another map has the same dtypes and shapes in the same order, but other names.
  package func fits(_ other: WeightMap) -> Bool {
    count == other.count && zip(tensors, other.tensors).allSatisfy { $0.isAlike($1) }
      && zip(tensors, other.tensors).contains { !$0.isNamed(like: $1) }
  }

  /// The same tensors under the names that those of `first` have at their positions.
  ///
  /// - Parameters: the checkpoints, to be named in messages.
  /// - Throws: `PositionError` when the numbers of tensors differ.
  package func matched(
    to map: WeightMap, of first: CheckpointReader, _ second: CheckpointReader
  ) throws -> WeightMap {
    var matching = PositionMatching(map, optimizer: .average)
    return try matching.matched(
      self, input: 1, labels: [first.path.string, second.path.string])
  }
}
