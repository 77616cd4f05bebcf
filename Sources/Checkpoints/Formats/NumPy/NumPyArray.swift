import NumPyFormat
import TensorCore

/// An array of NumPy at a place of a source.
struct NumPyArray {
  let header: ArrayHeader
  private let source: any ByteSource
  private let range: Range<Int>

  /// Most headers have 128 bytes.
  private static let usualHeaderSize = 256

  /// Reads the header of the array whose bytes are at `range`.
  ///
  /// - Throws: `NumPyError`, and what the source throws.
  init(_ source: any ByteSource, in range: Range<Int>) throws {
    self.source = source
    self.range = range
    var count = min(range.count, NumPyArray.usualHeaderSize)
    var bytes = try NumPyArray.bytes(of: source, at: range.lowerBound, count: count)
    let needed = try ArrayHeader.byteCount(prefix: bytes)
    if needed > count {
      count = min(range.count, needed)
      bytes = try NumPyArray.bytes(of: source, at: range.lowerBound, count: count)
    }
    header = try ArrayHeader(parsing: bytes)
  }

  /// The values; nil when they are no numbers.
  ///
  /// - Throws: `NumPyError` when there are more or fewer than the shape needs.
  func tensor(named name: String) throws -> Tensor? {
    guard case .numbers(let encoding) = header.elements else { return nil }
    let info = try TensorInfo(name: name, dtype: encoding.dtype, shape: header.shape)
    guard header.byteCount + info.byteCount == range.count else {
      throw NumPyError.wrongSize(
        expected: info.byteCount, found: range.count - header.byteCount, header.shape)
    }
    guard info.byteCount > 0 else {
      return Tensor(info, storage: .bytes(MemoryBytes([]), offset: 0))
    }
    let offset = range.lowerBound + header.byteCount
    let ordered = encoding.reversedWidth.map { ReversedBytes(source, width: $0) } ?? source
    guard let layout = fortranLayout(), !layout.isContiguous else {
      return Tensor(info, storage: .bytes(ordered, offset: offset))
    }
    let gathered = StridedBytes(
      ordered, offset: offset, width: encoding.dtype.elementUnit, layout: layout)
    return Tensor(info, storage: .bytes(gathered, offset: 0))
  }

  /// Where the elements lie when the first index changes fastest; nil when the last does.
  private func fortranLayout() -> StridedLayout? {
    guard header.isFortranOrder else { return nil }
    let extents = header.shape.dimensions
    let strides = StridedLayout.contiguousStrides(of: extents.reversed())
    return StridedLayout(header.shape, strides: strides.reversed())
  }

  private static func bytes(of source: any ByteSource, at offset: Int, count: Int) throws -> [UInt8]
  {
    let buffer = ByteBuffer(count: count)
    try source.read(at: offset, count: count, into: buffer, at: 0)
    return buffer.bytes(in: 0..<count)
  }
}
