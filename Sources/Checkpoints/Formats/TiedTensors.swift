package import TensorCore

/// Finds tensors that are computed alike from the same places: two names of the same values.
package struct TiedTensors {
  /// For each tensor the first that it is the same as, which may be itself.
  package private(set) var groups: [Int]

  private struct Place: Hashable {
    let source: ObjectIdentifier
    let offset: Int
  }

  /// Looks at where the values of tensors come from.
  package init(_ weights: WeightMap) {
    groups = Array(weights.tensors.indices)
    var known: [Place: [Int]] = [:]
    known.reserveCapacity(weights.count)
    for (index, tensor) in weights.tensors.enumerated() where tensor.info.byteCount > 0 {
      guard let place = TiedTensors.firstPlace(of: tensor) else { continue }
      if let others = known[place],
        let same = others.first(where: { TiedTensors.areSame(weights.tensors[$0], tensor) })
      {
        groups[index] = same
      } else {
        known[place, default: []].append(index)
      }
    }
  }

  private static func firstPlace(of tensor: Tensor) -> Place? {
    switch tensor.storage {
    case .bytes(let source, let offset):
      Place(source: ObjectIdentifier(source), offset: offset)
    case .computed(_, let inputs): inputs.first.flatMap { firstPlace(of: $0) }
    }
  }

  private static func areSame(_ first: Tensor, _ second: Tensor) -> Bool {
    guard first.isAlike(second) else { return false }
    switch (first.storage, second.storage) {
    case (.bytes(let source, let offset), .bytes(let other, let otherOffset)):
      return source === other && offset == otherOffset
    case (.computed(let operation, let inputs), .computed(let other, let otherInputs)):
      return operation == other && inputs.count == otherInputs.count
        && zip(inputs, otherInputs).allSatisfy { areSame($0, $1) }
    default: return false
    }
  }
}
