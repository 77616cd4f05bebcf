import PyTorchFormat
import TensorCore

extension CheckpointReader {
  /// The part of a PyTorch file that was chosen, without what is around it, and what that is.
  ///
  /// A checkpoint of another format is a whole.
  public var chosenPart: (part: CheckpointReader, outside: [String]) {
    guard case .pytorch(let structure) = arrangement else { return (self, []) }
    let dictionary = structure.dictionary
    let names = dictionary.entries.prefix(dictionary.chosenCount).map(\.name)
    let tensors = names.compactMap { weights[$0] }
    let chosen = WeightMap(distinct: tensors, metadata: weights.metadata)
    var part = with(weights.isQuantized ? chosen.quantized : chosen)
    part.arrangement = .single(name: nil)
    part.otherContents = dictionary.othersInside
    return (part, dictionary.outside)
  }
}
