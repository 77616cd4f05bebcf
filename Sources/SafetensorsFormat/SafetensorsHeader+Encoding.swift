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
    let names = try checked(tensors)
    var bytes = [UInt8](repeating: 0, count: 8)
    bytes.reserveCapacity(8 + names.limit + metadata.reduce(64) { $0 + $1.value.utf8.count })
    bytes.append(UInt8(ascii: "{"))
    if !metadata.isEmpty { append(metadata, to: &bytes) }
    if bytes.count > 9 && !tensors.isEmpty { bytes.append(UInt8(ascii: ",")) }
    bytes.append(addingCapacity: names.limit) { text in
      describe(tensors, areNamesPlain: names.arePlain, in: &text)
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

  /// Whether the format has a dtype.
  public static func canStore(_ dtype: DType) -> Bool { dtype != .complex128 }

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

  /// How many bytes the descriptions have at most, and whether the names are written as they are.
  private static func checked(_ tensors: [Tensor]) throws(SafetensorsError) -> (
    limit: Int, arePlain: Bool
  ) {
    var limit = 0
    var arePlain = true
    for index in tensors.indices {
      guard canStore(tensors[index].info.dtype) else {
        throw .badTensor(tensors[index].info.name, "safetensors has no dtype for C128")
      }
      let name = tensors[index].info.name.utf8.span
      let isPlain = name.endOfPlainText(from: 0) == name.count
      if !isPlain { arePlain = false }
      // An escape has six bytes, the text around the values and the dtype fewer than 80, a number at
      // most 19 and a comma.
      limit += (isPlain ? 1 : 6) * name.count + 80 + (tensors[index].info.shape.rank + 2) * 20
    }
    return (limit, arePlain)
  }

  private static func describe(
    _ tensors: [Tensor], areNamesPlain: Bool, in text: inout OutputSpan<UInt8>
  ) {
    let pieces = Pieces()
    let (dtypePiece, shapePiece) = (pieces.dtype.span, pieces.shape.span)
    let (offsetsPiece, endPiece) = (pieces.offsets.span, pieces.end.span)
    var begin = 0
    var beginText = DecimalText(begin)
    for index in tensors.indices {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      if areNamesPlain {
        text.append(UInt8(ascii: "\""))
        text.append(contentsOf: tensors[index].info.name.utf8.span)
      } else {
        var name: [UInt8] = []
        JSONValue.appendQuoted(tensors[index].info.name, to: &name)
        name.removeLast()
        text.append(contentsOf: name.span)
      }
      text.append(contentsOf: dtypePiece)
      text.append(contentsOf: tensors[index].info.dtype.rawValue.utf8.span)
      text.append(contentsOf: shapePiece)
      for axis in 0..<tensors[index].info.shape.rank {
        if axis > 0 { text.append(UInt8(ascii: ",")) }
        DecimalText(tensors[index].info.shape[axis]).append(to: &text)
      }
      text.append(contentsOf: offsetsPiece)
      beginText.append(to: &text)
      text.append(UInt8(ascii: ","))
      begin += tensors[index].info.byteCount
      beginText = DecimalText(begin)
      beginText.append(to: &text)
      text.append(contentsOf: endPiece)
    }
  }

  /// The text around the values of a tensor's description.
  private struct Pieces {
    let dtype = Array("\":{\"dtype\":\"".utf8)
    let shape = Array("\",\"shape\":[".utf8)
    let offsets = Array("],\"data_offsets\":[".utf8)
    let end = Array("]}".utf8)
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: text.utf8)
  }
}

/// The digits of a number, without a string: headers have hundreds of thousands of numbers.
private struct DecimalText {
  private var digits = InlineArray<20, UInt8>(repeating: 0)
  private var first = 20

  init(_ number: Int) {
    var rest = UInt(number)
    repeat {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      first -= 1
      digits[first] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
      rest = quotient
    } while rest > 0
  }

  func append(to text: inout OutputSpan<UInt8>) {
    text.append(contentsOf: digits.span.extracting(first..<20))
  }
}
