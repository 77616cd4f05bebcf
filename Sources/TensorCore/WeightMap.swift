/// An ordered map from tensor name to tensor: the model that all formats feed and all operations take.
///
/// The map is lazy: it holds descriptions, and values are read when a tensor is asked for them or when the
/// map is written. Looking a name up takes constant time.
public struct WeightMap: Sendable {
  /// The tensors in the order of their checkpoint.
  public let tensors: [Tensor]

  /// The checkpoint's own text entries.
  public var metadata: [ExactString: String]

  /// Whether the checkpoint says that its values are codes of a quantisation.
  public let isQuantized: Bool

  /// The tensors that the checkpoint holds besides, and whose values this version does not read.
  public var unreadable: [UnreadableTensor] = []

  private let index: LazyNameIndex

  /// Orders tensors.
  ///
  /// - Throws: `TensorError` with the code `duplicateName`.
  public init(
    _ tensors: [Tensor], metadata: [ExactString: String] = [:], isQuantized: Bool = false
  ) throws(TensorError) {
    self.tensors = tensors
    self.metadata = metadata
    self.isQuantized = isQuantized
    index = LazyNameIndex(made: try NameIndex(tensors))
  }

  /// Orders tensors whose names are known to differ.
  package init(distinct tensors: [Tensor], metadata: [ExactString: String]) {
    self.tensors = tensors
    self.metadata = metadata
    isQuantized = false
    index = LazyNameIndex(made: nil)
  }

  private init(_ other: WeightMap, isQuantized: Bool) {
    tensors = other.tensors
    metadata = other.metadata
    index = other.index
    self.isQuantized = isQuantized
    unreadable = other.unreadable
  }

  /// The same map, whose values are codes of a quantisation.
  package var quantized: WeightMap { WeightMap(self, isQuantized: true) }

  /// The tensor of this name.
  public subscript(name: String) -> Tensor? {
    position(of: name).map { tensors[$0] }
  }

  /// The place of the tensor of this name.
  public func position(of name: String) -> Int? { index.position(of: name, in: tensors) }

  /// The place of the tensor of the same name as `tensor`, which is likely to be `expected`.
  package func position(ofNameOf tensor: Tensor, expected: Int) -> Int? {
    if expected < tensors.count, tensors[expected].isNamed(like: tensor) { return expected }
    return position(of: tensor.info.name)
  }

  /// The number of tensors.
  public var count: Int { tensors.count }

  /// The number of bytes of all values.
  public var byteCount: Int {
    // Sparse files can pretend to more than can be counted.
    tensors.reduce(0) { sum, tensor in
      let (total, overflow) = sum.addingReportingOverflow(tensor.info.byteCount)
      return overflow ? Int.max : total
    }
  }
}
