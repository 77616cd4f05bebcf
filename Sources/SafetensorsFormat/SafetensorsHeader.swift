import JSONText
public import TensorCore

/// The header of a safetensors file: what is in the file, and where.
///
/// A value of this type is valid: names are unique, and the tensors fill the data from its first byte to
/// its last without gaps. Layout of the file: N as 8 little-endian bytes, N bytes of JSON, the data
/// (https://github.com/huggingface/safetensors, "Format").
public struct SafetensorsHeader: Sendable {
  /// The largest header that is read or written, the limit of the reference implementation.
  public static let maximumByteCount = 100_000_000

  /// A tensor and its place.
  public struct Entry: Sendable {
    /// Name, dtype and shape.
    public let info: TensorInfo
    /// The first byte, counted from the start of the data.
    public let begin: Int
  }

  /// The tensors in the order of their data.
  public let entries: [Entry]
  /// The text entries of `__metadata__`.
  public let metadata: [ExactString: String]

  /// The number of header bytes that the first 8 bytes of a file announce.
  ///
  /// - Throws: `SafetensorsError` when the file is too short for them.
  public static func byteCount(prefix: [UInt8], fileSize: Int) throws(SafetensorsError) -> Int {
    guard prefix.count >= 8, fileSize >= 8 else {
      throw SafetensorsError(
        .tooShort, "a safetensors file has at least 8 bytes, this one has \(fileSize)",
        hint: SafetensorsError.incompleteHint)
    }
    let count = (0..<8).reduce(UInt64(0)) { $0 | UInt64(prefix[$1]) << (8 * $1) }
    guard count <= UInt64(maximumByteCount) else {
      throw SafetensorsError(
        .headerTooLarge, "the header would have \(count) bytes, more than \(maximumByteCount)",
        hint: "this is not a safetensors file, or its first bytes are damaged")
    }
    guard Int(count) <= fileSize - 8 else {
      throw SafetensorsError(
        .tooShort, "the header has \(count) bytes, but the file ends after \(fileSize - 8) of them",
        hint: SafetensorsError.incompleteHint)
    }
    return Int(count)
  }

  /// Parses a header.
  ///
  /// - Parameters:
  ///   - json: the header without the 8 bytes before it.
  ///   - dataByteCount: the number of bytes behind the header.
  /// - Throws: `SafetensorsError`.
  public init(parsing json: [UInt8], dataByteCount: Int) throws(SafetensorsError) {
    var parser = HeaderParser()
    do {
      try parser.parse(json)
    } catch {
      throw parser.failure(for: error)
    }
    metadata = parser.metadata ?? [:]
    entries = try SafetensorsHeader.ordered(parser.entries, dataByteCount: dataByteCount)
  }

  /// Orders tensors by their place and checks that they fill the data.
  private static func ordered(_ found: [HeaderParser.Found], dataByteCount: Int)
    throws(SafetensorsError) -> [Entry]
  {
    var entries = found
    let isOrdered = zip(found, found.dropFirst()).allSatisfy { $0.range.precedes($1.range) }
    if !isOrdered { entries.sort { $0.range.precedes($1.range) } }
    var position = 0
    for entry in entries {
      guard entry.range.begin == position else {
        throw .badTensor(
          entry.info.name,
          "its data starts at byte \(entry.range.begin), expected \(position): "
            + (entry.range.begin < position ? "it overlaps another tensor" : "there is a gap"))
      }
      position = entry.range.end
    }
    guard position == dataByteCount else {
      throw SafetensorsError(
        .dataDoesNotFit,
        "the header describes \(position) bytes of data, the file has \(dataByteCount)",
        hint: position > dataByteCount ? SafetensorsError.incompleteHint : nil)
    }
    return entries.map { Entry(info: $0.info, begin: $0.range.begin) }
  }
}

/// A first byte and the byte behind the last one.
struct DataRange {
  let begin: Int
  let end: Int

  /// Empty tensors stand before the tensor that starts at their place.
  func precedes(_ other: DataRange) -> Bool { (begin, end) < (other.begin, other.end) }
}

/// The state of parsing a header: kept apart so that an error can be told with the tensor it is in.
private struct HeaderParser {
  struct Found {
    let info: TensorInfo
    let range: DataRange
  }

  var entries: [Found] = []
  var metadata: [ExactString: String]?
  private var names: Set<ExactString> = []
  private var current: String?

  enum Failure: Error {
    case json(JSONError)
    case rule(SafetensorsError)
  }

  func failure(for failure: Failure) -> SafetensorsError {
    switch failure {
    case .rule(let error): error
    case .json(let error):
      if let current {
        .badTensor(current, "\(error) of the header")
      } else {
        SafetensorsError(
          .notJSON, "the header is damaged: \(error)",
          hint: "this is not a safetensors file, or it was damaged on its way: get it again")
      }
    }
  }

  mutating func parse(_ json: [UInt8]) throws(Failure) {
    do {
      var scanner = try JSONScanner(json)
      try scanner.expect("{")
      var isFirst = true
      while let name = try scanner.nextKey(&isFirst) {
        if name == "__metadata__" {
          try parseMetadata(&scanner)
        } else {
          current = name
          try parseTensor(name, &scanner)
          current = nil
        }
      }
      try scanner.expectEnd()
    } catch let error as JSONError {
      throw .json(error)
    } catch let error as SafetensorsError {
      throw .rule(error)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  private mutating func parseMetadata(_ scanner: inout JSONScanner) throws {
    guard metadata == nil else {
      throw SafetensorsError(.badMetadata, "the header has '__metadata__' twice")
    }
    metadata = [:]
    if scanner.accept(word: "null") { return }
    try scanner.expect("{")
    var isFirst = true
    while let key = try scanner.nextKey(&isFirst) {
      guard scanner.next == UInt8(ascii: "\"") else {
        throw SafetensorsError(.badMetadata, "the metadata '\(key)' is not a string")
      }
      guard metadata?.updateValue(try scanner.string(), forKey: ExactString(key)) == nil else {
        throw SafetensorsError(.badMetadata, "the metadata '\(key)' is there twice")
      }
    }
  }

  private mutating func parseTensor(_ name: String, _ scanner: inout JSONScanner) throws {
    guard names.insert(ExactString(name)).inserted else {
      throw SafetensorsError(.duplicateTensor, "tensor '\(name)' is described twice")
    }
    var dtype: DType?
    var dimensions: [Int]?
    var range: DataRange?
    try scanner.expect("{")
    var isFirst = true
    while let field = try scanner.nextKey(&isFirst) {
      switch field {
      case "dtype" where dtype == nil:
        dtype = try parseDType(name, &scanner)
      case "shape" where dimensions == nil:
        dimensions = try numbers(&scanner, atMost: Shape.maximumRank, "dimensions")
      case "data_offsets" where range == nil:
        let offsets = try numbers(&scanner, atMost: 2, "data offsets")
        guard offsets.count == 2 else {
          throw SafetensorsError.badTensor(name, "expected 2 data offsets, found \(offsets.count)")
        }
        range = DataRange(begin: offsets[0], end: offsets[1])
      case "dtype", "shape", "data_offsets":
        throw SafetensorsError.badTensor(name, "the field '\(field)' is there twice")
      default:
        throw SafetensorsError.badTensor(name, "unknown field '\(field)'")
      }
    }
    guard let dtype, let dimensions, let range else {
      let missing = dtype == nil ? "dtype" : dimensions == nil ? "shape" : "data_offsets"
      throw SafetensorsError.badTensor(name, "the field '\(missing)' is missing")
    }
    entries.append(try checked(name, dtype, dimensions, range))
  }

  private func checked(_ name: String, _ dtype: DType, _ dimensions: [Int], _ range: DataRange)
    throws(SafetensorsError) -> Found
  {
    let info: TensorInfo
    do {
      info = try TensorInfo(name: name, dtype: dtype, shape: Shape(dimensions))
    } catch {
      throw .badTensor(name, error.description)
    }
    guard range.begin <= range.end else {
      throw .badTensor(name, "its data ends at byte \(range.end), before its start \(range.begin)")
    }
    guard range.end - range.begin == info.byteCount else {
      throw .badTensor(
        name,
        "expected \(info.byteCount) bytes of data for \(dtype.rawValue) \(info.shape), "
          + "found \(range.end - range.begin)")
    }
    return Found(info: info, range: range)
  }

  private func parseDType(_ name: String, _ scanner: inout JSONScanner) throws -> DType {
    let text = try scanner.string()
    guard let dtype = DType(rawValue: text), dtype != .complex128 else {
      throw SafetensorsError.badTensor(name, "unknown dtype '\(text)'")
    }
    return dtype
  }

  private func numbers(_ scanner: inout JSONScanner, atMost limit: Int, _ what: String) throws
    -> [Int]
  {
    var numbers: [Int] = []
    try scanner.expect("[")
    var isFirst = true
    while try scanner.nextElement(&isFirst) {
      guard numbers.count < limit else { throw scanner.error("more than \(limit) \(what)") }
      numbers.append(try scanner.naturalNumber())
    }
    return numbers
  }
}
