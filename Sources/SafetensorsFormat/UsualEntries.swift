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
  }

  private let dtypePiece = Piece.dtype
  private let shapePiece = Piece.shape
  private let offsetsPiece = Piece.offsets
  /// Most tensors have the dtype of the one before.
  private var dtypeText: [UInt8] = []
  private var dtype = DType.float32

  /// Reads entries from the comma in front of one on, as many as are spelled in the usual way.
  ///
  /// - Parameter json: a text that is UTF-8.
  /// - Returns: the place behind the last one, where an object's next comma or its end stands.
  mutating func read(
    _ json: Span<UInt8>, from start: Int, into placed: inout PlacedTensors
  ) -> Int {
    var position = start
    while let found = description(json, at: position),
      let name = try? UTF8Span(validating: json.extracting(found.name)),
      let info = TensorInfo(
        name: String(copying: name), dtype: dtype, shape: found.shape,
        byteCount: found.data.count)
    {
      placed.append(info, at: found.data.lowerBound)
      position = found.end
    }
    return position
  }

  /// A description in the text; its dtype is the last one that was read.
  private struct Description {
    let name: Range<Int>
    let shape: Shape
    let data: Range<Int>
    let end: Int
  }

  /// Reads `,"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}`.
  @inline(__always)
  private mutating func description(_ json: Span<UInt8>, at start: Int) -> Description? {
    let nameStart = start + 2
    guard nameStart < json.count, json[start] == UInt8(ascii: ","),
      json[start + 1] == UInt8(ascii: "\"")
    else { return nil }
    let nameEnd = json.endOfPlainText(from: nameStart)
    var index = nameEnd
    // "__metadata__" is no tensor; names that start so are rare enough to leave all of them.
    guard nameEnd > nameStart, json[nameStart] != UInt8(ascii: "_"),
      accept(dtypePiece, json, &index), readDType(json, &index),
      accept(shapePiece, json, &index), let shape = shape(json, &index),
      accept(offsetsPiece, json, &index), let begin = number(json, &index), index < json.count,
      json[index] == UInt8(ascii: ",")
    else { return nil }
    index += 1
    guard let dataEnd = number(json, &index), begin <= dataEnd, index + 2 < json.count,
      json[index] == UInt8(ascii: "]"), json[index + 1] == UInt8(ascii: "}"),
      json[index + 2] == UInt8(ascii: ",") || json[index + 2] == UInt8(ascii: "}")
    else { return nil }
    return Description(
      name: nameStart..<nameEnd, shape: shape, data: begin..<dataEnd, end: index + 2)
  }

  /// Goes behind these bytes if they are next.
  private func accept(_ piece: [UInt8], _ json: Span<UInt8>, _ index: inout Int) -> Bool {
    guard json.holds(piece.span, at: index) else { return false }
    index += piece.count
    return true
  }

  /// Reads the name of a dtype up to the quote behind it.
  private mutating func readDType(_ json: Span<UInt8>, _ index: inout Int) -> Bool {
    let end = json.endOfPlainText(from: index)
    let text = json.extracting(index..<end)
    index = end
    if !text.isEmpty, text.count == dtypeText.count, text.holds(dtypeText.span, at: 0) {
      return true
    }
    guard text.count <= 16, let name = try? UTF8Span(validating: text),
      let found = DType(rawValue: String(copying: name)), found != .complex128
    else { return false }
    dtypeText = text.indices.map { text[$0] }
    dtype = found
    return true
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
  @inline(__always)
  private func number(_ json: Span<UInt8>, _ index: inout Int) -> Int? {
    let start = index
    var value = 0
    var place = start
    while place < json.count {
      let digit = json[place] &- UInt8(ascii: "0")
      guard digit <= 9 else { break }
      value = value &* 10 &+ Int(digit)
      place &+= 1
    }
    // So many digits always fit.
    let count = place - start
    guard count > 0, count <= 18, count == 1 || json[start] != UInt8(ascii: "0") else { return nil }
    index = place
    return value
  }
}
