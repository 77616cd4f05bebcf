/// The bytes of a pickle: numbers, pieces and lines.
extension PickleParser {
  @inline(__always)
  mutating func byte() throws(PyTorchError) -> UInt8 {
    guard position < count else { throw PickleParser.cutOff }
    defer { position += 1 }
    return tree.bytes[position]
  }

  /// A little-endian number.
  mutating func unsigned(_ width: Int) throws(PyTorchError) -> UInt64 {
    guard width <= count - position else { throw PickleParser.cutOff }
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(tree.bytes[position + index]) << UInt64(8 * index) }
    position += width
    return value
  }

  mutating func signedCount() throws(PyTorchError) -> UInt64 {
    let count = try unsigned(4)
    guard count < 1 << 31 else { throw .damaged("a length in its pickle is negative") }
    return count
  }

  mutating func piece(_ length: UInt64) throws(PyTorchError) -> PickleValue.Piece {
    guard length <= UInt64(count - position), length < UInt64(UInt32.max) else {
      throw PickleParser.cutOff
    }
    defer { position += Int(length) }
    return PickleValue.Piece(position..<position + Int(length))
  }

  mutating func pushLong(_ piece: PickleValue.Piece) throws(PyTorchError) {
    guard piece.count <= 8 else { return try push(.longInteger(piece)) }
    var pattern: UInt64 = 0
    for (index, byte) in tree.bytes[piece.range].enumerated() {
      pattern |= UInt64(byte) << UInt64(8 * index)
    }
    // The sign goes on to the left.
    let unused = 64 - 8 * Int64(piece.count)
    let value = piece.count == 0 ? 0 : Int64(bitPattern: pattern << UInt64(unused)) >> unused
    try push(.integer(Int(value)))
  }

  mutating func line() throws(PyTorchError) -> String {
    let start = position
    while true {
      guard position < count else { throw PickleParser.cutOff }
      if tree.bytes[position] == UInt8(ascii: "\n") { break }
      guard position - start < PickleParser.maximumNameLength else {
        throw .damaged("a name in its pickle does not end")
      }
      position += 1
    }
    defer { position += 1 }
    guard let line = String(validating: tree.bytes[start..<position], as: UTF8.self) else {
      throw .damaged("a name in its pickle is not UTF-8")
    }
    return line
  }
}
