import TensorCore

/// Reads descriptions of tensors in the spelling in which the reference implementation writes them.
///
/// Headers with tens of thousands of tensors have little else, and a spelling that is known beforehand is
/// read in one pass. Nothing here is an error: what is spelled in another way, or is wrong, is left to the
/// parser, which reads all of JSON and knows what to say.
struct UsualEntryReader {
  /// The text between the values of a description.
  private enum Piece {
    static let dtype = Array("\":{\"dtype\":\"".utf8)
    static let shape = Array("\",\"shape\":[".utf8)
    static let offsets = Array("],\"data_offsets\":[".utf8)
    static let end = Array("]}".utf8)
  }

  private let dtypePiece = Piece.dtype
  private let shapePiece = Piece.shape
  private let offsetsPiece = Piece.offsets
  private let endPiece = Piece.end
  /// Most tensors have the dtype of the one before.
  private var dtypeText: [UInt8] = []
  private var dtype = DType.float32

  /// Reads entries from the comma in front of one on, as many as are spelled in the usual way.
  ///
  /// - Parameter json: a text that is UTF-8.
  /// - Returns: the place behind the last one, where an object's next comma or its end stands.
  mutating func read(
    _ json: Span<UInt8>, from start: Int, into entries: inout [SafetensorsHeader.Entry]
  ) -> Int {
    var position = start
    while let (entry, end) = entry(json, at: position) {
      entries.append(entry)
      position = end
    }
    return position
  }

  /// Reads `,"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}`.
  private mutating func entry(_ json: Span<UInt8>, at start: Int) -> (
    SafetensorsHeader.Entry, end: Int
  )? {
    let nameStart = start + 2
    guard nameStart < json.count, json[start] == UInt8(ascii: ","),
      json[start + 1] == UInt8(ascii: "\"")
    else { return nil }
    var index = nameStart
    while index < json.count, json[index] != UInt8(ascii: "\"") {
      if json[index] < 0x20 || json[index] == UInt8(ascii: "\\") { return nil }
      index += 1
    }
    let nameEnd = index
    // "__metadata__" is no tensor; names with two underscores are rare enough to leave all of them.
    guard nameEnd > nameStart, json[nameStart] != UInt8(ascii: "_"),
      accept(dtypePiece, json, &index), let dtype = knownDType(json, &index),
      accept(shapePiece, json, &index), let shape = shape(json, &index),
      accept(offsetsPiece, json, &index), let begin = number(json, &index), index < json.count,
      json[index] == UInt8(ascii: ",")
    else { return nil }
    index += 1
    guard let dataEnd = number(json, &index), accept(endPiece, json, &index), index < json.count,
      json[index] == UInt8(ascii: ",") || json[index] == UInt8(ascii: "}"), begin <= dataEnd,
      let name = try? UTF8Span(validating: json.extracting(nameStart..<nameEnd)),
      let info = try? TensorInfo(name: String(copying: name), dtype: dtype, shape: shape),
      info.byteCount == dataEnd - begin
    else { return nil }
    return (SafetensorsHeader.Entry(info: info, begin: begin), index)
  }

  /// Goes behind these bytes if they are next.
  private func accept(_ piece: [UInt8], _ json: Span<UInt8>, _ index: inout Int) -> Bool {
    let expected = piece.span
    guard json.count - index >= expected.count else { return false }
    for place in expected.indices where json[index + place] != expected[place] { return false }
    index += expected.count
    return true
  }

  private mutating func knownDType(_ json: Span<UInt8>, _ index: inout Int) -> DType? {
    let start = index
    if !dtypeText.isEmpty, accept(dtypeText, json, &index) {
      if index < json.count, json[index] == UInt8(ascii: "\"") { return dtype }
      index = start
    }
    var text: [UInt8] = []
    while index < json.count, json[index] != UInt8(ascii: "\""), text.count < 16 {
      text.append(json[index])
      index += 1
    }
    guard let found = DType(rawValue: String(decoding: text, as: UTF8.self)), found != .complex128
    else { return nil }
    dtypeText = text
    dtype = found
    return found
  }

  /// Reads extents up to the bracket behind them.
  private func shape(_ json: Span<UInt8>, _ index: inout Int) -> Shape? {
    var extents = InlineArray<4, UInt32>(repeating: 0)
    var rank = 0
    guard index < json.count else { return nil }
    if json[index] == UInt8(ascii: "]") { return Shape(extents, rank: 0) }
    while rank < extents.count, let extent = number(json, &index), extent <= Int(UInt32.max),
      index < json.count
    {
      extents[rank] = UInt32(extent)
      rank += 1
      if json[index] == UInt8(ascii: "]") { return Shape(extents, rank: rank) }
      guard json[index] == UInt8(ascii: ",") else { return nil }
      index += 1
    }
    return nil
  }

  /// Reads digits; what follows them is for the caller to judge.
  private func number(_ json: Span<UInt8>, _ index: inout Int) -> Int? {
    let start = index
    var value = 0
    while index < json.count {
      let digit = json[index] &- UInt8(ascii: "0")
      guard digit <= 9 else { break }
      value = value &* 10 &+ Int(digit)
      index += 1
    }
    // So many digits always fit.
    let count = index - start
    guard count > 0, count <= 18, count == 1 || json[start] != UInt8(ascii: "0") else { return nil }
    return value
  }
}
