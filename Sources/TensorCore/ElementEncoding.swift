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
  package var reversedWidth: Int? {
    guard byteOrder == .bigEndian else { return nil }
    let width = dtype.kind == .complex ? dtype.elementUnit / 2 : dtype.elementUnit
    return width > 1 ? width : nil
  }

  /// Stored elements with their bytes in little-endian order.
  package func littleEndian(_ bytes: [UInt8]) -> [UInt8] {
    guard let width = reversedWidth else { return bytes }
    precondition(bytes.count % width == 0)
    return stride(from: 0, to: bytes.count, by: width).flatMap {
      bytes[$0..<$0 + width].reversed()
    }
  }
}
