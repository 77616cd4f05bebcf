package import TensorCore

/// The header of a `.npy` file: what the elements are, and how they lie. Source: NumPy's `numpy.lib.format`.
package struct ArrayHeader: Sendable, Hashable {
  /// What the elements are.
  package enum Elements: Sendable, Hashable {
    /// Numbers.
    case numbers(ElementEncoding)
    /// Python objects, which would have to be run to be read.
    case objects
    /// Numbers that no dtype has: a description of NumPy's.
    case unreadNumbers(String)
    /// Text, dates, records: a description of NumPy's.
    case other(String)
  }

  /// What the elements are.
  package let elements: Elements
  /// The extents.
  package let shape: Shape
  /// Whether the first index changes fastest.
  package let isFortranOrder: Bool
  /// The number of bytes before the elements.
  package let byteCount: Int

  static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
  /// A header has some hundred bytes; records of many fields have more.
  package static let maximumByteCount = 1 << 20

  /// Whether a file starts like an array of NumPy.
  package static func recognizes(start: [UInt8]) -> Bool { start.starts(with: magic) }

  /// Reads a header from the first bytes of an array.
  ///
  /// - Throws: `NumPyError`.
  package init(parsing bytes: [UInt8]) throws(NumPyError) {
    let range = try ArrayHeader.textRange(bytes)
    guard range.upperBound <= bytes.count else { throw .damaged("its header is cut off") }
    let literal = try LiteralParser.parse(Array(bytes[range]))
    guard case .dictionary(let entries) = literal else {
      throw .damaged("its header is no dictionary")
    }
    var fields: [String: Literal] = [:]
    for entry in entries {
      guard fields.updateValue(entry.value, forKey: entry.key) == nil else {
        throw .damaged("its header has '\(entry.key)' twice")
      }
    }
    guard Set(fields.keys) == ["descr", "fortran_order", "shape"] else {
      throw .damaged(
        "its header should have descr, fortran_order and shape, but has "
          + fields.keys.sorted().joined(separator: ", "))
    }
    guard case .boolean(let isFortranOrder)? = fields["fortran_order"],
      case .tuple(let extents)? = fields["shape"]
    else { throw .damaged("its header has no shape or order") }
    self.isFortranOrder = isFortranOrder
    shape = try ArrayHeader.shape(extents)
    elements = try ArrayHeader.elements(fields["descr"])
    byteCount = range.upperBound
  }

  /// How many bytes the header has, by its first twelve.
  ///
  /// - Throws: `NumPyError` for what is no array, or more than a header.
  package static func byteCount(prefix: [UInt8]) throws(NumPyError) -> Int {
    try textRange(prefix).upperBound
  }

  /// Where the text of the header is.
  private static func textRange(_ bytes: [UInt8]) throws(NumPyError) -> Range<Int> {
    guard bytes.count >= 12, recognizes(start: bytes) else {
      throw .damaged("it does not start like one")
    }
    let start: Int
    let count: Int
    switch bytes[6] {
    case 1:
      start = 10
      count = Int(bytes[8]) | Int(bytes[9]) << 8
    case 2, 3:
      start = 12
      count = (0..<4).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    case let version:
      throw NumPyError(.unsupported, "its format has the version \(version); 1 to 3 are known")
    }
    guard count <= maximumByteCount else { throw .damaged("its header has \(count) bytes") }
    return start..<start + count
  }

  private static func shape(_ extents: [Literal]) throws(NumPyError) -> Shape {
    var dimensions: [Int] = []
    for extent in extents {
      guard case .integer(let extent) = extent else {
        throw .damaged("its shape is no tuple of numbers")
      }
      dimensions.append(extent)
    }
    do {
      return try Shape(dimensions)
    } catch {
      throw .damaged(error.description)
    }
  }

  // MARK: - Element types

  private static func elements(_ descr: Literal?) throws(NumPyError) -> Elements {
    guard case .text(let text)? = descr else {
      guard case .list? = descr else { throw .damaged("its header has no element type") }
      return .other("records")
    }
    var code = Substring(text)
    var order = ElementEncoding.ByteOrder.littleEndian
    if let first = code.first, "<>|=".contains(first) {
      if first == ">" { order = .bigEndian }
      code = code.dropFirst()
    }
    if code.hasPrefix("O") { return .objects }
    if let dtype = dtypes[String(code)] {
      return .numbers(ElementEncoding(dtype, byteOrder: order))
    }
    guard let kind = code.first, "SUVaMmcgb?iuf".contains(kind), !code.isEmpty else {
      throw .damaged("'\(text)' is no element type")
    }
    // One byte of float8, which NumPy does not know.
    return code == "V1" ? .unreadNumbers("'\(text)'") : .other("'\(text)'")
  }

  /// NumPy's codes of numbers; `V2` is how it stores bfloat16, which it does not know.
  private static let dtypes: [String: DType] = [
    "f8": .float64, "f4": .float32, "f2": .float16, "V2": .bfloat16, "i8": .int64, "i4": .int32,
    "i2": .int16, "i1": .int8, "u8": .uint64, "u4": .uint32, "u2": .uint16, "u1": .uint8,
    "b1": .bool, "?": .bool, "c8": .complex64, "c16": .complex128,
  ]

  // MARK: - Writing

  /// Whether NumPy has a dtype.
  package static func canStore(_ dtype: DType) -> Bool { dtypes.values.contains(dtype) }

  /// The header of an array in C order; nil for a dtype that NumPy does not have.
  package static func encode(_ info: TensorInfo) -> [UInt8]? {
    guard let code = dtypes.first(where: { $0.value == info.dtype && $0.key != "?" })?.key else {
      return nil
    }
    let order = code.hasSuffix("1") || code == "V2" ? "|" : "<"
    let extents = info.shape.dimensions
    let shape =
      extents.count == 1
      ? "(\(extents[0]),)" : "(\(extents.map(String.init).joined(separator: ", ")))"
    let text = "{'descr': '\(order)\(code)', 'fortran_order': False, 'shape': \(shape), }"
    // Spaces make the elements begin at a multiple of 64, as NumPy writes it.
    let count = 10 + text.utf8.count + 1
    let padding = (64 - count % 64) % 64
    let length = count + padding - 10
    guard length <= 0xFFFF else { return nil }
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
      + [UInt8](repeating: 0x20, count: padding) + [0x0A]
  }
}
