/// The extents of a tensor, outermost first, with a product that is known to fit.
///
/// A `Shape` cannot hold a negative extent nor one whose running product overflows, not even when a later
/// extent of zero would make the product zero: such a shape in a file is an attack or damage.
public struct Shape: Sendable, Hashable {
  /// The largest number of dimensions that is accepted, NumPy's limit.
  public static let maximumRank = 64

  /// The extents, outermost first; empty for a scalar.
  public let dimensions: [Int]

  /// The number of elements: the product of the extents, 1 for a scalar.
  public let elementCount: Int

  /// Makes a shape of checked extents.
  ///
  /// - Throws: `TensorError` with the codes `negativeExtent`, `rankTooLarge` and `tooManyElements`.
  public init(_ dimensions: [Int]) throws(TensorError) {
    guard dimensions.count <= Shape.maximumRank else {
      throw .rankTooLarge(dimensions.count)
    }
    var product = 1
    for extent in dimensions {
      guard extent >= 0 else { throw .negativeExtent(dimensions) }
      // An extent of zero must not hide an overflow behind or before it.
      let (partial, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow else { throw .tooManyElements(dimensions) }
      product = partial
    }
    self.dimensions = dimensions
    self.elementCount = dimensions.contains(0) ? 0 : product
  }

  /// The number of bytes that the elements take, packed without gaps.
  ///
  /// - Throws: `TensorError` with the codes `tooManyElements` and `partialByte` (elements smaller than a
  ///   byte that do not fill the last one).
  public func byteCount(of dtype: DType) throws(TensorError) -> Int {
    let (bits, overflow) = elementCount.multipliedReportingOverflow(by: dtype.bitWidth)
    guard !overflow else { throw .tooManyElements(dimensions) }
    guard bits % 8 == 0 else { throw .partialByte(dimensions, dtype) }
    return bits / 8
  }
}

extension Shape: CustomStringConvertible {
  /// The extents as NumPy and PyTorch print them: `[784, 128]`.
  public var description: String { dimensions.description }
}
