/// Writes the instructions of a pickle of protocol 2, of those that PyTorch's loader for weights alone accepts.
struct PickleEncoder {
  private(set) var bytes: [UInt8] = [PickleOpcode.proto.rawValue, 2]
  private var memoCount = 0
  private var globals: [String: Int] = [:]
  private var texts: [String: Int] = [:]

  mutating func write(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }

  mutating func write(_ value: Bool) { write(value ? .newTrue : .newFalse) }

  mutating func write(_ value: Int) {
    switch value {
    case 0...0xFF:
      write(.binaryInt1)
      append(UInt64(value), width: 1)
    case 0...0xFFFF:
      write(.binaryInt2)
      append(UInt64(value), width: 2)
    case Int(Int32.min)...Int(Int32.max):
      write(.binaryInt)
      append(UInt64(bitPattern: Int64(value)), width: 4)
    default:
      write(.long1)
      bytes.append(8)
      append(UInt64(bitPattern: Int64(value)), width: 8)
    }
  }

  mutating func write(_ value: Double) {
    write(.binaryFloat)
    append(value.bitPattern.byteSwapped, width: 8)
  }

  /// Writes a number in two's complement of at most 255 bytes.
  mutating func write(long: ArraySlice<UInt8>) {
    write(.long1)
    bytes.append(UInt8(long.count))
    bytes += long
  }

  /// Writes a text; the second time, a reference to the first.
  mutating func write(_ text: String) {
    if let number = texts[text] { return get(number) }
    write(.binaryUnicode)
    append(UInt64(text.utf8.count), width: 4)
    bytes += Array(text.utf8)
    texts[text] = put()
  }

  /// Writes the name of a class or function; the second time, a reference to the first.
  mutating func write(global module: String, _ name: String) {
    let full = module + "." + name
    if let number = globals[full] { return get(number) }
    write(.global)
    bytes += Array("\(module)\n\(name)\n".utf8)
    globals[full] = put()
  }

  /// Ends a tuple of `count` values on the stack; more than three stand above a mark.
  mutating func endTuple(_ count: Int) {
    switch count {
    case 0: write(.emptyTuple)
    case 1: write(.tuple1)
    case 2: write(.tuple2)
    case 3: write(.tuple3)
    default: write(.tuple)
    }
  }

  mutating func write(_ integers: [Int]) {
    if integers.count > 3 { write(.mark) }
    for integer in integers { write(integer) }
    endTuple(integers.count)
  }

  mutating func writeEmptyOrderedDictionary() {
    write(global: "collections", "OrderedDict")
    write(.emptyTuple)
    write(.reduce)
  }

  /// Remembers the value on top of the stack.
  mutating func put() -> Int {
    defer { memoCount += 1 }
    if memoCount < 256 {
      write(.binaryPut)
      bytes.append(UInt8(memoCount))
    } else {
      write(.longBinaryPut)
      append(UInt64(memoCount), width: 4)
    }
    return memoCount
  }

  mutating func get(_ number: Int) {
    if number < 256 {
      write(.binaryGet)
      bytes.append(UInt8(number))
    } else {
      write(.longBinaryGet)
      append(UInt64(number), width: 4)
    }
  }

  private mutating func append(_ value: UInt64, width: Int) {
    for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }
}
