/// What is known of a tensor without its data: name, dtype and shape.
public struct TensorInfo: Sendable, Hashable {
  /// The name, unique in its checkpoint.
  public let name: String
  /// The number of bytes of the values in little-endian C order.
  public let byteCount: Int
  /// The extents.
  public let shape: Shape
  /// What the values mean.
  public let dtype: DType

  /// Describes a tensor.
  ///
  /// - Throws: `TensorError` when the number of bytes overflows or is not whole.
  public init(name: String, dtype: DType, shape: Shape) throws(TensorError) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteCount = try shape.byteCount(of: dtype)
  }

  /// Describes a tensor of a known number of bytes; nil when the shape and dtype need another.
  @inline(__always)
  init?(name: String, dtype: DType, shape: Shape, byteCount: Int) {
    let (bits, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.bitWidth)
    guard !overflow, bits & 7 == 0, bits >> 3 == byteCount else { return nil }
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteCount = byteCount
  }

  /// The indexes of an element, outermost first, from its place in C order; none for a scalar.
  public func indexes(of element: Int) -> [Int] {
    var rest = element
    var indexes: [Int] = []
    for extent in shape.dimensions.reversed() {
      indexes.append(rest % max(extent, 1))
      rest /= max(extent, 1)
    }
    return indexes.reversed()
  }
}
