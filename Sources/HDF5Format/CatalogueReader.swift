/// Reads the fields of a catalogue message, each checked against its end.
struct CatalogueReader {
  private let bytes: [UInt8]
  private(set) var position: Int
  private let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { position == end }

  /// Takes the next bytes as a part of their own.
  mutating func part(_ count: Int) throws(HDF5Error) -> CatalogueReader {
    guard count >= 0, count <= end - position else { throw .message("a record is cut off") }
    defer { position += count }
    return CatalogueReader(bytes, position..<position + count)
  }

  mutating func skip(_ count: Int) throws(HDF5Error) { _ = try part(count) }

  mutating func byte() throws(HDF5Error) -> UInt8 { UInt8(try unsigned(1)) }

  /// A count or size, which must fit.
  mutating func count32() throws(HDF5Error) -> Int { Int(try unsigned(4)) }

  /// A size or address, which must fit.
  mutating func count64() throws(HDF5Error) -> Int {
    guard let value = Int(exactly: try unsigned(8)) else { throw .message("a number is too large") }
    return value
  }

  /// An address; nil when it is undefined.
  mutating func address() throws(HDF5Error) -> Int? {
    let value = try unsigned(8)
    if value == UInt64.max { return nil }
    guard let address = Int(exactly: value) else { throw .message("an address is too large") }
    return address
  }

  mutating func text() throws(HDF5Error) -> String {
    let part = try part(try count32())
    return String(decoding: bytes[part.position..<part.end], as: UTF8.self)
  }

  mutating func blob() throws(HDF5Error) -> [UInt8] {
    let part = try part(try count64())
    return Array(bytes[part.position..<part.end])
  }

  mutating func raw(_ count: Int) throws(HDF5Error) -> [UInt8] {
    let part = try part(count)
    return Array(bytes[part.position..<part.end])
  }

  private mutating func unsigned(_ width: Int) throws(HDF5Error) -> UInt64 {
    guard width <= end - position else { throw .message("a field is cut off") }
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(bytes[position + index]) << (8 * UInt64(index)) }
    position += width
    return value
  }
}
