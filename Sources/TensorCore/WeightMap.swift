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

  private let positions: [ExactString: Int]

  /// Orders tensors.
  ///
  /// - Throws: `TensorError` with the code `duplicateName`.
  public init(
    _ tensors: [Tensor], metadata: [ExactString: String] = [:], isQuantized: Bool = false
  ) throws(TensorError) {
    var positions = [ExactString: Int](minimumCapacity: tensors.count)
    for (position, tensor) in tensors.enumerated() {
      guard positions.updateValue(position, forKey: ExactString(tensor.info.name)) == nil else {
        throw .duplicateName(tensor.info.name)
      }
    }
    self.tensors = tensors
    self.metadata = metadata
    self.isQuantized = isQuantized
    self.positions = positions
  }

  /// The tensor of this name.
  public subscript(name: String) -> Tensor? {
    positions[ExactString(name)].map { tensors[$0] }
  }

  /// The place of the tensor of this name.
  public func position(of name: String) -> Int? { positions[ExactString(name)] }

  /// The number of tensors.
  public var count: Int { tensors.count }

  /// The number of bytes of all values.
  public var byteCount: Int { tensors.reduce(0) { $0 + $1.info.byteCount } }
}
