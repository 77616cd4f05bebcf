import TensorCore

/// A description in the text of a header.
struct UsualEntry {
  let name: Range<Int>
  let dtype: DType
  let extents: InlineArray<4, UInt32>
  let rank: Int
  /// The place of the data, counted from its start.
  let data: Range<Int>
  /// Where the text of the description ends.
  let end: Int
}

/// Reads descriptions of tensors in the spelling in which the reference implementation writes them.
///
/// Headers with tens of thousands of tensors have little else, and a spelling that is known beforehand is
/// read in one pass. Nothing here is an error: what is spelled in another way, or is wrong, is left to the
/// parser, which reads all of JSON and knows what to say.
struct UsualEntryReader {
  private static let dtypePiece = Array("\":{\"dtype\":\"".utf8)
  private static let shapePiece = Array("\",\"shape\":[".utf8)

  private let offsetsPiece = Array("],\"data_offsets\":[".utf8)
  /// Most tensors have the dtype of the one before.
  private var dtype = DType.float32
  /// The text from the end of a name to the first extent, with this dtype.
  private var dtypeText = dtypePiece + Array("F32".utf8) + shapePiece

  /// Reads entries from the comma in front of one on, as many as are spelled in the usual way.
  ///
  /// - Parameter json: a text that is UTF-8.
  /// - Returns: the place behind the last one, where an object's next comma or its end stands.
  mutating func read(
    _ json: Span<UInt8>, from start: Int, into placed: inout PlacedTensors
  ) -> Int {
    var position = start
    while let entry = entry(json, at: position), placed.append(entry, json) {
      position = entry.end
    }
    return position
  }

  /// Reads `,"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}`.
  @inline(__always)
  private mutating func entry(_ json: Span<UInt8>, at start: Int) -> UsualEntry? {
    let nameStart = start + 2
    guard nameStart < json.count, json[start] == UInt8(ascii: ","),
      json[start + 1] == UInt8(ascii: "\"")
    else { return nil }
    let nameEnd = json.endOfPlainText(from: nameStart)
    var index = nameEnd
    var extents = InlineArray<4, UInt32>(repeating: 0)
    // "__metadata__" is no tensor; names that start so are rare enough to leave all of them.
    guard nameEnd > nameStart, json[nameStart] != UInt8(ascii: "_"), readDType(json, &index),
      let rank = readShape(json, &index, &extents), accept(offsetsPiece, json, &index),
      let begin = number(json, &index), index < json.count, json[index] == UInt8(ascii: ",")
    else { return nil }
    index += 1
    guard let dataEnd = number(json, &index), begin <= dataEnd, index + 2 < json.count,
      json[index] == UInt8(ascii: "]"), json[index + 1] == UInt8(ascii: "}"),
      json[index + 2] == UInt8(ascii: ",") || json[index + 2] == UInt8(ascii: "}")
    else { return nil }
    return UsualEntry(
      name: nameStart..<nameEnd, dtype: dtype, extents: extents, rank: rank, data: begin..<dataEnd,
      end: index + 2)
  }

  /// Goes behind these bytes if they are next.
  private func accept(_ piece: [UInt8], _ json: Span<UInt8>, _ index: inout Int) -> Bool {
    guard json.holds(piece.span, at: index) else { return false }
    index += piece.count
    return true
  }

  /// Reads the text from the end of a name to the first extent.
  private mutating func readDType(_ json: Span<UInt8>, _ index: inout Int) -> Bool {
    if accept(dtypeText, json, &index) { return true }
    guard accept(UsualEntryReader.dtypePiece, json, &index) else { return false }
    let text = json.extracting(index..<json.endOfPlainText(from: index))
    index += text.count
    guard text.count <= 16, let name = try? UTF8Span(validating: text),
      let found = DType(rawValue: String(copying: name)), found != .complex128,
      accept(UsualEntryReader.shapePiece, json, &index)
    else { return false }
    dtype = found
    dtypeText =
      UsualEntryReader.dtypePiece + Array(found.rawValue.utf8) + UsualEntryReader.shapePiece
    return true
  }

  /// Reads extents up to the bracket behind them; returns how many there are.
  private func readShape(
    _ json: Span<UInt8>, _ index: inout Int, _ extents: inout InlineArray<4, UInt32>
  ) -> Int? {
    var rank = 0
    guard index < json.count else { return nil }
    if json[index] == UInt8(ascii: "]") { return 0 }
    while rank < extents.count, let extent = number(json, &index), extent <= Int(UInt32.max),
      index < json.count
    {
      extents[rank] = UInt32(extent)
      rank += 1
      if json[index] == UInt8(ascii: "]") { return rank }
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
