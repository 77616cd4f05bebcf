import TensorCore

/// What a pickle says of an array or a scalar of NumPy: its elements are data, whatever makes the object.
struct PickledArray {
  let dtype: DType
  let shape: [Int]
  /// Whether the first index runs fastest.
  let isFortranOrdered: Bool
  /// Whether the bytes of each number are stored the highest first.
  let isBigEndian: Bool
  /// The bytes, or a text of as many characters, as protocol 2 writes them.
  let data: PickleValue

  /// The distances of neighbours along each axis, in elements.
  var strides: [Int] {
    isFortranOrdered
      ? StridedLayout.contiguousStrides(of: shape.reversed()).reversed()
      : StridedLayout.contiguousStrides(of: shape)
  }
}

extension PickleTree {
  /// Whether a value makes an array whose elements are numbers and all there.
  func isArray(_ value: PickleValue) -> Bool { array(value) != nil }

  /// The array that a value makes; nil for other values, and for arrays of objects, texts and dates.
  func array(_ value: PickleValue) -> PickledArray? {
    guard case .object(let number) = value, [.call, .array].contains(objects[Int(number)].kind)
    else { return nil }
    let parts = Array(items(of: objects[Int(number)]))
    guard parts.count == 2, let product = global(parts[0])?.product, let list = tuple(parts[1])
    else { return nil }
    let arguments = Array(list)
    switch product {
    case .array:
      guard let type = arguments.first, global(type)?.name == "numpy.ndarray",
        let state = states[number].flatMap({ tuple($0) }), state.count == 5
      else { return nil }
      // Version, shape, dtype, order, data.
      let told = Array(state)
      guard case .boolean(let isFortranOrdered) = told[3] else { return nil }
      return array(of: told[4], told[2], told[1], isFortranOrdered: isFortranOrdered)
    case .arrayOfBuffer where arguments.count == 4:
      return array(
        of: arguments[0], arguments[1], arguments[2],
        isFortranOrdered: isText(arguments[3], "F"))
    default: return nil
    }
  }

  private func array(
    of data: PickleValue, _ dtype: PickleValue, _ shape: PickleValue, isFortranOrdered: Bool
  ) -> PickledArray? {
    guard let element = element(dtype), let extents = tuple(shape) else { return nil }
    var dimensions: [Int] = []
    for extent in extents {
      guard case .integer(let number) = extent, number >= 0 else { return nil }
      dimensions.append(number)
    }
    guard let shape = try? Shape(dimensions), let needed = try? shape.byteCount(of: element.dtype),
      byteCount(of: data) == needed
    else { return nil }
    return PickledArray(
      dtype: element.dtype, shape: dimensions, isFortranOrdered: isFortranOrdered,
      isBigEndian: element.isBigEndian, data: data)
  }

  /// The number that a scalar of NumPy is, from its dtype and its bytes; nil where Python has no such number.
  func scalar(_ arguments: ArraySlice<PickleValue>) -> PickleValue? {
    guard arguments.count == 2, let dtype = arguments.first, let data = arguments.last,
      let element = element(dtype), var bytes = decoded(data),
      bytes.count == element.dtype.elementUnit
    else { return nil }
    if element.isBigEndian { bytes.reverse() }
    let pattern = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    switch element.dtype {
    case .bool: return .boolean(pattern != 0)
    case .uint8, .uint16, .uint32, .uint64: return Int(exactly: pattern).map { .integer($0) }
    case .int8, .int16, .int32, .int64:
      // The sign goes on to the left.
      let unused = Int64(64 - 8 * bytes.count)
      return .integer(Int(Int64(bitPattern: pattern << UInt64(unused)) >> unused))
    case .float16: return .float(Double(Float16(bitPattern: UInt16(pattern))))
    case .float32: return .float(Double(Float(bitPattern: UInt32(pattern))))
    case .float64: return .float(Double(bitPattern: pattern))
    default: return nil
    }
  }

  /// What a dtype of NumPy says: `numpy.dtype('f8', False, True)`, whose state tells the order of bytes.
  private func element(_ value: PickleValue) -> (dtype: DType, isBigEndian: Bool)? {
    guard case .object(let number) = value, let (callable, arguments) = call(value),
      callable.name == "numpy.dtype", let code = arguments.first.flatMap({ text($0) }),
      let dtype = PickleTree.dtypes[code]
    else { return nil }
    guard let state = states[number].flatMap({ tuple($0) }), state.count > 1 else {
      return (dtype, false)
    }
    return (dtype, isText(state[state.startIndex + 1], ">"))
  }

  private static let dtypes: [String: DType] = [
    "b1": .bool, "i1": .int8, "u1": .uint8, "i2": .int16, "u2": .uint16, "i4": .int32,
    "u4": .uint32, "i8": .int64, "u8": .uint64, "f2": .float16, "f4": .float32, "f8": .float64,
    "c8": .complex64, "c16": .complex128,
  ]

  // MARK: - Bytes

  /// The text that stands for bytes in protocol 2: `_codecs.encode('…', 'latin1')`.
  private func latinText(_ value: PickleValue) -> PickleValue.Piece? {
    guard let (callable, arguments) = call(value), callable.name == "_codecs.encode",
      arguments.count == 2, let encoding = arguments.last,
      isText(encoding, "latin1") || isText(encoding, "latin-1"),
      case .text(let piece)? = arguments.first
    else { return nil }
    return piece
  }

  private func byteCount(of value: PickleValue) -> Int? {
    switch value {
    case .bytes(let piece): return piece.range.count
    case .object:
      // A byte that goes on with a character begins with the bits 10.
      return latinText(value).map { piece in bytes[piece.range].count { $0 & 0xC0 != 0x80 } }
    default: return nil
    }
  }

  /// The bytes of a value; nil for what is none.
  func decoded(_ value: PickleValue) -> [UInt8]? {
    if case .bytes(let piece) = value { return Array(bytes[piece.range]) }
    guard let piece = latinText(value) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(piece.range.count)
    var high: UInt8?
    for byte in bytes[piece.range] {
      if let lead = high {
        guard byte & 0xC0 == 0x80 else { return nil }
        result.append(lead << 6 | byte & 0x3F)
        high = nil
      } else if byte < 0x80 {
        result.append(byte)
      } else if byte == 0xC2 || byte == 0xC3 {
        high = byte & 0x03
      } else {
        return nil
      }
    }
    return high == nil ? result : nil
  }
}
