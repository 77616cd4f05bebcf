import JSONText
public import TensorCore

extension SafetensorsHeader {
  /// The bytes of a file before its data: the length, the JSON, and spaces up to a multiple of 8.
  ///
  /// The same tensors and metadata always give the same bytes: metadata is sorted, tensors stand in the
  /// order given, which is the order of their data.
  ///
  /// - Throws: `SafetensorsError` when a dtype is not part of the format or the header is too large.
  public static func encode(_ tensors: [TensorInfo], metadata: [ExactString: String])
    throws(SafetensorsError) -> [UInt8]
  {
    var bytes = [UInt8](repeating: 0, count: 8)
    bytes.reserveCapacity(8 + tensors.reduce(64) { $0 + $1.name.utf8.count + 96 })
    bytes.append(UInt8(ascii: "{"))
    if !metadata.isEmpty { append(metadata, to: &bytes) }
    var begin = 0
    for tensor in tensors {
      guard tensor.dtype != .complex128 else {
        throw .badTensor(tensor.name, "safetensors has no dtype for C128")
      }
      if bytes.count > 9 { bytes.append(UInt8(ascii: ",")) }
      append(tensor, begin: begin, to: &bytes)
      begin += tensor.byteCount
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

  private static func append(_ tensor: TensorInfo, begin: Int, to bytes: inout [UInt8]) {
    JSONValue.appendQuoted(tensor.name, to: &bytes)
    append(":{\"dtype\":\"", to: &bytes)
    append(tensor.dtype.rawValue, to: &bytes)
    append("\",\"shape\":[", to: &bytes)
    for (index, extent) in tensor.shape.dimensions.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      append(extent, to: &bytes)
    }
    append("],\"data_offsets\":[", to: &bytes)
    append(begin, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    append(begin + tensor.byteCount, to: &bytes)
    append("]}", to: &bytes)
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: text.utf8)
  }

  /// Digits without a string: headers have tens of thousands of numbers.
  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = number
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }
}
