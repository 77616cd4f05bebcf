/// Where the values of a tensor come from.
public enum TensorStorage: Sendable {
  /// Little-endian values in C order, without gaps, from a place of a source on.
  case bytes(any ByteSource, offset: Int)
  /// Values that are computed from inputs of the same shape when they are read.
  case computed(BlockOperation, [Tensor])
}
