import JSONText
public import TensorCore

extension SafetensorsHeader {
  /// The bytes of a file before its data: the length, the JSON, and spaces up to a multiple of 8.
  ///
  /// The same tensors and metadata always give the same bytes: metadata is sorted, tensors stand in the
  /// order given, which is the order of their data.
  ///
  /// - Throws: `SafetensorsError` when a dtype is not part of the format or the header is too large.
  public static func encode(_ tensors: [Tensor], metadata: [ExactString: String])
    throws(SafetensorsError) -> [UInt8]
  {
    var bytes = [UInt8](repeating: 0, count: 8)
    bytes.reserveCapacity(8 + tensors.reduce(64) { $0 + $1.info.name.utf8.count + 96 })
    bytes.append(UInt8(ascii: "{"))
    if !metadata.isEmpty { append(metadata, to: &bytes) }
    var begin = 0
    for tensor in tensors {
      let info = tensor.info
      guard info.dtype != .complex128 else {
        throw .badTensor(info.name, "safetensors has no dtype for C128")
      }
      if bytes.count > 9 { bytes.append(UInt8(ascii: ",")) }
      JSONValue.appendQuoted(info.name, to: &bytes)
      bytes.append(contentsOf: Piece.dtype)
      bytes.append(contentsOf: info.dtype.rawValue.utf8)
      bytes.append(contentsOf: Piece.shape)
      for (index, extent) in info.shape.dimensions.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        append(extent, to: &bytes)
      }
      bytes.append(contentsOf: Piece.offsets)
      append(begin, to: &bytes)
      begin += info.byteCount
      bytes.append(UInt8(ascii: ","))
      append(begin, to: &bytes)
      bytes.append(contentsOf: Piece.end)
    }
    bytes.append(UInt8(ascii: "}"))
    while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
    let count = bytes.count - 8
    guard count <= maximumByteCount else {
      throw SafetensorsError(
        .headerTooLarge, "the header would have \(count) bytes, more than \(maximumByteCount)",
        hint: "write several files: --max-shard-size")
    }
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
    return bytes
  }

  private static func append(_ metadata: [ExactString: String], to bytes: inout [UInt8]) {
    append("\"__metadata__\":{", to: &bytes)
    for (index, entry) in metadata.sorted(by: { $0.key < $1.key }).enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      JSONValue.appendQuoted(entry.key.text, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      JSONValue.appendQuoted(entry.value, to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  /// The text around the values of a tensor's description.
  private enum Piece {
    static let dtype = Array(":{\"dtype\":\"".utf8)
    static let shape = Array("\",\"shape\":[".utf8)
    static let offsets = Array("],\"data_offsets\":[".utf8)
    static let end = Array("]}".utf8)
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: text.utf8)
  }

  /// Digits without a string: headers have hundreds of thousands of numbers.
  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var count = 0
    var rest = UInt(number)
    repeat {
      digits[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
      count += 1
    } while rest > 0
    while count > 0 {
      count -= 1
      bytes.append(digits[count])
    }
  }
}
