public import TensorCore

/// Gives the tensors of an input the names that those of the first input have at the same positions.
///
/// Frameworks name layers after counters: the same architecture that is made twice in one process has
/// `dense_1` and then `dense_4`.
struct PositionMatching {
  private let first: [Tensor]
  private let optimizer: AlignmentPolicy.Optimizer
  private(set) var renamings: [MergePlan.Renaming] = []

  init(_ first: WeightMap, optimizer: AlignmentPolicy.Optimizer) {
    self.optimizer = optimizer
    self.first = PositionMatching.weights(of: first, optimizer)
  }

  /// The optimizer's state is treated by its name: it is not counted, unless it is averaged.
  private static func weights(of map: WeightMap, _ optimizer: AlignmentPolicy.Optimizer)
    -> [Tensor]
  {
    if optimizer == .average { return map.tensors }
    let roles = TensorRoles(map)
    return map.tensors.indices.filter { roles[$0] != .optimizerState }.map { map.tensors[$0] }
  }

  /// Whether each tensor of other inputs has the dtype and the shape of that at its position.
  func fits(_ maps: some Sequence<WeightMap>) -> Bool {
    maps.allSatisfy { map in
      let weights = PositionMatching.weights(of: map, optimizer)
      return weights.count == first.count && zip(weights, first).allSatisfy { $0.isAlike($1) }
    }
  }

  /// The input with the names of the first one.
  ///
  /// - Throws: `PositionError` when the numbers of tensors differ.
  mutating func matched(_ map: WeightMap, input: Int, labels: [String]) throws -> WeightMap {
    let weights = PositionMatching.weights(of: map, optimizer)
    guard weights.count == first.count else {
      throw PositionError(
        description: "\(labels[input]) has \(weights.count) tensors and \(labels[0]) has "
          + "\(first.count): they cannot be matched by position")
    }
    var tensors: [Tensor] = []
    for (tensor, expected) in zip(weights, first) {
      let name = expected.info.name
      if tensor.isNamed(like: expected) {
        tensors.append(tensor)
        continue
      }
      renamings.append(MergePlan.Renaming(input: input, name: tensor.info.name, newName: name))
      tensors.append(try tensor.renamed(name))
    }
    let result = try WeightMap(tensors, metadata: map.metadata)
    return map.isQuantized ? result.quantized : result
  }
}

/// Inputs that cannot be matched by the positions of their tensors.
public struct PositionError: DiagnosedError {
  /// Always `badInput`.
  public var kind: FailureKind { .badInput }
  /// The sentence.
  public let description: String
  /// The way out.
  public var hint: String? {
    "models of the same architecture have the same number of tensors; --include and --exclude do not "
      + "change the count"
  }
}
