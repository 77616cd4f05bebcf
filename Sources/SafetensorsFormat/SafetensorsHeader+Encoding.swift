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
    bytes.reserveCapacity(1024 + tensors.reduce(0) { $0 + $1.info.name.utf8.count + 96 })
    bytes.append(UInt8(ascii: "{"))
    if !metadata.isEmpty { append(metadata, to: &bytes) }
    let pieces = Pieces()
    var begin = 0
    for tensor in tensors {
      guard tensor.info.dtype != .complex128 else {
        throw .badTensor(tensor.info.name, "safetensors has no dtype for C128")
      }
      if bytes.count > 9 { bytes.append(UInt8(ascii: ",")) }
      append(tensor, at: begin, to: &bytes, pieces)
      begin += tensor.info.byteCount
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

  private static func append(
    _ tensor: Tensor, at begin: Int, to bytes: inout [UInt8], _ pieces: Pieces
  ) {
    let name = tensor.info.name.utf8.span
    let isPlain = name.endOfPlainText(from: 0) == name.count
    if !isPlain { JSONValue.appendQuoted(tensor.info.name, to: &bytes) }
    let rank = tensor.info.shape.rank
    // The fixed text has fewer than 64 bytes, a dtype fewer than 16, a number no more than 20.
    let limit = (isPlain ? name.count : 0) + 80 + (rank + 2) * 21
    bytes.append(addingCapacity: limit) { text in
      if isPlain {
        text.append(UInt8(ascii: "\""))
        text.append(name)
        text.append(UInt8(ascii: "\""))
      }
      text.append(pieces.dtype.span)
      text.append(tensor.info.dtype.rawValue.utf8.span)
      text.append(pieces.shape.span)
      for axis in 0..<rank {
        if axis > 0 { text.append(UInt8(ascii: ",")) }
        text.append(decimal: tensor.info.shape[axis])
      }
      text.append(pieces.offsets.span)
      text.append(decimal: begin)
      text.append(UInt8(ascii: ","))
      text.append(decimal: begin + tensor.info.byteCount)
      text.append(pieces.end.span)
    }
  }

  /// The text around the values of a tensor's description.
  private struct Pieces {
    let dtype = Array(":{\"dtype\":\"".utf8)
    let shape = Array("\",\"shape\":[".utf8)
    let offsets = Array("],\"data_offsets\":[".utf8)
    let end = Array("]}".utf8)
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: text.utf8)
  }
}

extension OutputSpan where Element == UInt8 {
  @inline(__always)
  fileprivate mutating func append(_ text: Span<UInt8>) {
    for index in text.indices { append(text[index]) }
  }

  /// Appends digits without a string: headers have hundreds of thousands of numbers.
  fileprivate mutating func append(decimal number: Int) {
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
      append(digits[count])
    }
  }
}
