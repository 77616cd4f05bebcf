import JSONText
public import TensorCore

/// The header of a safetensors file: what is in the file, and where.
///
/// A value of this type is valid: the tensors fill the data from its first byte to its last without gaps.
/// That no name is there twice is checked by `WeightMap`, which indexes the names. Layout of the file: N as
/// 8 little-endian bytes, N bytes of JSON, the data (https://github.com/huggingface/safetensors, "Format").
public struct SafetensorsHeader: Sendable {
  /// The largest header that is read or written, the limit of the reference implementation.
  public static let maximumByteCount = 100_000_000

  /// The tensors in the order of their data.
  public let tensors: [Tensor]
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
  ///   - source: what the tensors read their values from.
  ///   - dataOffset: where the data starts in the source.
  /// - Throws: `SafetensorsError`.
  public init(
    parsing json: [UInt8], dataByteCount: Int, source: any ByteSource = MemoryBytes([]),
    dataOffset: Int = 0
  ) throws(SafetensorsError) {
    var parser = HeaderParser(PlacedTensors(source: source, dataOffset: dataOffset))
    do {
      try parser.parse(json)
    } catch {
      throw parser.failure(for: error)
    }
    metadata = parser.metadata ?? [:]
    tensors = try SafetensorsHeader.ordered(parser.placed, dataByteCount: dataByteCount)
  }

  /// Two tensors in one place are most likely one name that is there twice, which says more.
  private static func checkNames(_ tensors: [Tensor]) throws(SafetensorsError) {
    var names: Set<ExactString> = []
    for tensor in tensors where !names.insert(ExactString(tensor.info.name)).inserted {
      throw SafetensorsError(
        .duplicateTensor, "tensor '\(tensor.info.name)' is described twice")
    }
  }

  /// Orders tensors by their place and checks that they fill the data.
  private static func ordered(_ found: PlacedTensors, dataByteCount: Int)
    throws(SafetensorsError) -> [Tensor]
  {
    if found.gaplessEnd == dataByteCount { return found.tensors }
    // Empty tensors stand before the tensor that starts at their place.
    let tensors = found.tensors.sorted { first, second in
      let (begin, otherBegin) = (found.begin(of: first), found.begin(of: second))
      return begin != otherBegin
        ? begin < otherBegin : first.info.byteCount < second.info.byteCount
    }
    var position = 0
    for tensor in tensors {
      let begin = found.begin(of: tensor)
      guard begin == position else {
        try checkNames(tensors)
        throw .badTensor(
          tensor.info.name,
          "its data starts at byte \(begin), expected \(position): "
            + (begin < position ? "it overlaps another tensor" : "there is a gap"))
      }
      position += tensor.info.byteCount
    }
    guard position == dataByteCount else {
      throw SafetensorsError(
        .dataDoesNotFit,
        "the header describes \(position) bytes of data, the file has \(dataByteCount)",
        hint: position > dataByteCount ? SafetensorsError.incompleteHint : nil)
    }
    return tensors
  }
}

/// The state of parsing a header: kept apart so that an error can be told with the tensor it is in.
private struct HeaderParser {
  private(set) var placed: PlacedTensors
  private(set) var metadata: [ExactString: String]?
  private var current: String?
  /// Most tensors have the dtype of the one before.
  private var lastDType: (quoted: [UInt8], dtype: DType)?
  private var usual = UsualEntryReader()

  init(_ placed: PlacedTensors) { self.placed = placed }

  private static let fields = ["dtype", "shape", "data_offsets"].map { ExpectedKey($0) }

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
      // A tensor takes about 100 bytes of header; the array grows if that is wrong.
      placed.tensors.reserveCapacity(json.count / 100)
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
        scanner.skip(to: usual.read(json.span, from: scanner.position, into: &placed))
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
    var dtype: DType?
    var dimensions: [Int]?
    var range: (begin: Int, end: Int)?
    try scanner.expect("{")
    var isFirst = true
    while let field = try scanner.nextKey(&isFirst, among: HeaderParser.fields) {
      switch field {
      case "dtype" where dtype == nil:
        dtype = try parseDType(name, &scanner)
      case "shape" where dimensions == nil:
        dimensions = try parseDimensions(&scanner)
      case "data_offsets" where range == nil:
        try scanner.expect("[")
        let begin = try scanner.naturalNumber()
        try scanner.expect(",")
        range = (begin, try scanner.naturalNumber())
        try scanner.expect("]")
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
    placed.append(try checked(name, dtype, dimensions, range), at: range.begin)
  }

  private func checked(
    _ name: String, _ dtype: DType, _ dimensions: [Int], _ range: (begin: Int, end: Int)
  ) throws(SafetensorsError) -> TensorInfo {
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
    return info
  }

  private mutating func parseDType(_ name: String, _ scanner: inout JSONScanner) throws -> DType {
    if let lastDType, scanner.accept(bytes: lastDType.quoted) {
      scanner.skipWhitespace()
      return lastDType.dtype
    }
    let text = try scanner.string()
    guard let dtype = DType(rawValue: text), dtype != .complex128 else {
      throw SafetensorsError.badTensor(name, "unknown dtype '\(text)'")
    }
    lastDType = (Array("\"\(text)\"".utf8), dtype)
    return dtype
  }

  private func parseDimensions(_ scanner: inout JSONScanner) throws -> [Int] {
    var numbers: [Int] = []
    numbers.reserveCapacity(4)
    try scanner.expect("[")
    var isFirst = true
    while try scanner.nextElement(&isFirst) {
      guard numbers.count < Shape.maximumRank else {
        throw scanner.error("more than \(Shape.maximumRank) dimensions")
      }
      numbers.append(try scanner.naturalNumber())
    }
    return numbers
  }
}
