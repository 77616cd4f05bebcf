public import TensorCore

/// The type of a dataset's elements, as far as it matters what they mean.
public indirect enum HDF5Type: Sendable, Hashable {
  /// Numbers of a dtype, stored in this order of bytes.
  case numbers(ElementEncoding)
  /// Floating-point numbers that no dtype has, but whose values are those of float64.
  case floats(FloatLayout)
  /// Two bytes without a name for what they mean: h5py and Keras store bfloat16 so. Only until attributes are known.
  case opaquePairs
  /// Numbers whose meaning the file does not tell, or that no dtype has: `opaque values of one byte`.
  case unreadNumbers(String)
  /// A kind that is no tensor: text, references, records.
  case other(String)

  /// Reads a `type` of the catalogue message.
  static func parse(_ reader: inout CatalogueReader, depth: Int = 0) throws(HDF5Error) -> HDF5Type {
    guard depth <= 32 else { throw .message("types nest too deep") }
    let kind = try reader.byte()
    let size = try reader.count64()
    switch kind {
    case 0: return try integer(&reader, size: size)
    case 1: return try float(&reader, size: size)
    case 2, 4:
      try reader.skip(11)
      return .other(kind == 2 ? "time" : "bit field")
    case 3:
      try reader.skip(3)
      return .other("text")
    case 5:
      let tag = try reader.text()
      if size == 2 && tag.isEmpty { return .opaquePairs }
      // As h5py stores both kinds of float8, and does not tell which.
      return size == 1 && tag.isEmpty
        ? .unreadNumbers("opaque values of one byte") : .other("opaque bytes")
    case 6: return try compound(&reader, size: size, depth: depth)
    case 7: return .other("reference")
    case 8: return try enumeration(&reader, depth: depth)
    case 9:
      _ = try parse(&reader, depth: depth + 1)
      return .other("sequence")
    case 10:
      try reader.skip(8 * Int(try reader.byte()))
      _ = try parse(&reader, depth: depth + 1)
      return .other("array")
    default: return .other("type of class \(kind)")
    }
  }

  private static func order(_ byte: UInt8) -> ElementEncoding.ByteOrder? {
    switch byte {
    case 0: .littleEndian
    case 1: .bigEndian
    default: nil
    }
  }

  private static let integerDTypes: [Int: (DType, DType)] = [
    1: (.uint8, .int8), 2: (.uint16, .int16), 4: (.uint32, .int32), 8: (.uint64, .int64),
  ]

  private static let floatFormats: [(dtype: DType, exponent: Int, mantissa: Int)] = [
    (.float64, 11, 52), (.float32, 8, 23), (.float16, 5, 10), (.bfloat16, 8, 7),
  ]

  private static func integer(_ reader: inout CatalogueReader, size: Int) throws(HDF5Error)
    -> HDF5Type
  {
    let order = order(try reader.byte())
    let (precision, offset) = (try reader.count32(), try reader.count32())
    try reader.skip(2)
    let isSigned = try reader.byte() != 0
    guard let order, offset == 0, precision == 8 * size,
      let (unsigned, signed) = integerDTypes[size]
    else {
      return .other("integer of \(precision) bits in \(size) bytes")
    }
    return .numbers(ElementEncoding(isSigned ? signed : unsigned, byteOrder: order))
  }

  /// IEEE 754 and bfloat16: sign on top, exponent below, the leading bit of the mantissa implied.
  private static func float(_ reader: inout CatalogueReader, size: Int) throws(HDF5Error)
    -> HDF5Type
  {
    let order = order(try reader.byte())
    let (precision, offset) = (try reader.count32(), try reader.count32())
    let (lowPad, highPad) = (try reader.byte(), try reader.byte())
    let sign = try reader.count32()
    let (exponentPosition, exponentBits) = (try reader.count32(), try reader.count32())
    let (mantissaPosition, mantissaBits) = (try reader.count32(), try reader.count32())
    let bias = try reader.count64()
    let normalisation = try reader.byte()
    let innerPad = try reader.byte()
    let found = floatFormats.first { dtype, exponent, mantissa in
      dtype.elementUnit == size && exponentBits == exponent && mantissaBits == mantissa
        && bias == (1 << (exponent - 1)) - 1 && exponentPosition == mantissa && sign == 8 * size - 1
    }
    let impliedBit: UInt8 = 0
    if let order, let found, offset == 0, precision == 8 * size, mantissaPosition == 0,
      normalisation == impliedBit
    {
      return .numbers(ElementEncoding(found.dtype, byteOrder: order))
    }
    // Bits that mean nothing are written as zeros.
    if let order, normalisation == impliedBit, lowPad == 0, highPad == 0, innerPad == 0,
      let layout = FloatLayout(
        size: size, byteOrder: order, sign: sign,
        exponent: exponentPosition..<exponentPosition + exponentBits,
        mantissa: mantissaPosition..<mantissaPosition + mantissaBits, bias: bias)
    {
      return .floats(layout)
    }
    return .other("floating point of \(precision) bits")
  }

  /// Complex numbers as h5py writes them: two equal floats, `r` and `i`.
  private static func compound(_ reader: inout CatalogueReader, size: Int, depth: Int)
    throws(HDF5Error) -> HDF5Type
  {
    var members: [(name: String, offset: Int, type: HDF5Type)] = []
    for _ in 0..<(try reader.count32()) {
      members.append(
        (try reader.text(), try reader.count64(), try parse(&reader, depth: depth + 1)))
    }
    guard members.count == 2, members[0].name == "r", members[1].name == "i",
      members[0].offset == 0, members[0].type == members[1].type,
      case .numbers(let part) = members[0].type, members[1].offset == part.dtype.elementUnit,
      size == 2 * part.dtype.elementUnit
    else { return .other("record") }
    switch part.dtype {
    case .float32: return .numbers(ElementEncoding(.complex64, byteOrder: part.byteOrder))
    case .float64: return .numbers(ElementEncoding(.complex128, byteOrder: part.byteOrder))
    case .float16, .bfloat16:
      return .unreadNumbers("complex numbers of two \(part.dtype.rawValue)")
    default: return .other("record")
    }
  }

  /// Truth values as h5py writes them: FALSE and TRUE in one byte; other enumerations are integers.
  private static func enumeration(_ reader: inout CatalogueReader, depth: Int) throws(HDF5Error)
    -> HDF5Type
  {
    let base = try parse(&reader, depth: depth + 1)
    guard case .numbers(let encoding) = base else {
      throw .message("an enumeration of no integers")
    }
    var members: [String: [UInt8]] = [:]
    for _ in 0..<(try reader.count32()) {
      members[try reader.text()] = try reader.raw(encoding.dtype.elementUnit)
    }
    let isTruth = encoding.dtype.elementUnit == 1 && members == ["FALSE": [0], "TRUE": [1]]
    return isTruth ? .numbers(ElementEncoding(.bool)) : base
  }
}
