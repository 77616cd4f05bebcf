/// How a file stores the elements of a dtype, apart from what they mean.
public struct ElementEncoding: Sendable, Hashable {
  /// The order of the bytes of one number.
  public enum ByteOrder: Sendable, Hashable {
    case littleEndian
    case bigEndian
  }

  /// What the values mean.
  public let dtype: DType
  /// The order of the bytes of each number; of each part of a complex number.
  public let byteOrder: ByteOrder

  /// Describes stored elements.
  public init(_ dtype: DType, byteOrder: ByteOrder = .littleEndian) {
    self.dtype = dtype
    self.byteOrder = byteOrder
  }

  /// The width of the groups of bytes that must be reversed to be little-endian; nil when none must.
  var reversedWidth: Int? {
    guard byteOrder == .bigEndian else { return nil }
    let width = dtype.kind == .complex ? dtype.elementUnit / 2 : dtype.elementUnit
    return width > 1 ? width : nil
  }
}
