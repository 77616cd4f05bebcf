/// The extents of a tensor, outermost first, with a product that is known to fit.
///
/// A `Shape` cannot hold a negative extent nor one whose running product overflows, not even when a later
/// extent of zero would make the product zero: such a shape in a file is an attack or damage.
public struct Shape: Sendable {
  /// The largest number of dimensions that is accepted, NumPy's limit.
  public static let maximumRank = 64

  /// How many extents are held in place.
  package static let inPlaceRank = 4

  /// The number of elements: the product of the extents, 1 for a scalar.
  public let elementCount: Int

  /// All extents, when they are more or larger than what is held in place: an array for each of tens of
  /// thousands of tensors would cost more than the rest of their descriptions.
  private let others: [Int]?

  /// The extents, with zeros behind them, unless there are others.
  private let inPlace: InlineArray<4, UInt32>

  private let rankByte: UInt8

  /// The number of extents.
  public var rank: Int { Int(rankByte) }

  /// The extents, outermost first; empty for a scalar.
  public var dimensions: [Int] { others ?? (0..<rank).map { Int(inPlace[$0]) } }

  /// The extent of an axis, counted from the outermost.
  public subscript(axis: Int) -> Int {
    precondition(axis >= 0 && axis < rank, "no such axis")
    return others.map { $0[axis] } ?? Int(inPlace[axis])
  }

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
    let isSmall =
      dimensions.count <= Shape.inPlaceRank && dimensions.allSatisfy { $0 <= Int(UInt32.max) }
    var inPlace = InlineArray<4, UInt32>(repeating: 0)
    if isSmall {
      for (axis, extent) in dimensions.enumerated() { inPlace[axis] = UInt32(extent) }
    }
    self.inPlace = inPlace
    others = isSmall ? nil : dimensions
    rankByte = UInt8(dimensions.count)
    elementCount = dimensions.contains(0) ? 0 : product
  }

  /// Makes a shape of the first `rank` extents; nil when their product overflows.
  @inline(__always)
  init?(_ extents: InlineArray<4, UInt32>, rank: Int) {
    var product = 1
    var isEmpty = false
    var inPlace = InlineArray<4, UInt32>(repeating: 0)
    for axis in 0..<rank {
      let extent = extents[axis]
      inPlace[axis] = extent
      if extent == 0 { isEmpty = true }
      let (partial, overflow) = product.multipliedReportingOverflow(by: Int(max(extent, 1)))
      if overflow { return nil }
      product = partial
    }
    self.inPlace = inPlace
    others = nil
    rankByte = UInt8(rank)
    elementCount = isEmpty ? 0 : product
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

extension Shape: Hashable {
  /// Whether the extents are the same.
  public static func == (left: Shape, right: Shape) -> Bool {
    guard left.elementCount == right.elementCount, left.rankByte == right.rankByte else {
      return false
    }
    for axis in 0..<inPlaceRank where left.inPlace[axis] != right.inPlace[axis] { return false }
    return left.others == right.others
  }

  /// Hashes the extents.
  public func hash(into hasher: inout Hasher) { hasher.combine(dimensions) }
}

extension Shape: CustomStringConvertible {
  /// The extents as NumPy and PyTorch print them: `[784, 128]`.
  public var description: String {
    var text = "["
    for axis in 0..<rank {
      if axis > 0 { text += ", " }
      text += String(self[axis])
    }
    return text + "]"
  }
}
