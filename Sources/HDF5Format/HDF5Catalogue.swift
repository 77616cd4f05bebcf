import TensorCore

/// What is in an HDF5 file: the datasets and where their values are.
///
/// It is read from the message of the child that walked the file (`CHDF5.h` tells its layout). Every number
/// is checked here: extents lie in the file and do not overlap.
public struct HDF5Catalogue: Sendable, Hashable {
  /// Where the values of a dataset are.
  public enum Storage: Sendable, Hashable {
    /// One after the other from this byte of the file on.
    case contiguous(offset: Int)
    /// In the header of the dataset.
    case compact([UInt8])
    /// Nowhere: every element has the fill value, whose bytes these are; none when it is undefined.
    case neverWritten(fill: [UInt8])
    /// In chunks.
    case chunked
  }

  /// A dataset.
  public struct Dataset: Sendable, Hashable {
    /// The path without the leading slash.
    public let path: String
    /// What its elements are.
    public internal(set) var type: HDF5Type
    /// The extents; nil for a dataset without elements and extents.
    public let dimensions: [Int]?
    /// Where the values are.
    public internal(set) var storage: Storage
    /// The names of the filters that its chunks went through.
    public let filters: [String]
  }

  /// The datasets in the order of their paths, each once.
  public let datasets: [Dataset]
  /// The texts of root attributes of the toolkit's own.
  public let rootTexts: [String: String]
  /// The number of bytes of the file.
  public let fileSize: Int

  /// Reads a message.
  ///
  /// - Throws: `HDF5Error` when a number makes no sense.
  public init(message: [UInt8], fileSize: Int) throws(HDF5Error) {
    var parser = CatalogueParser()
    try parser.parse(message)
    datasets = parser.datasets
    rootTexts = parser.rootTexts
    self.fileSize = fileSize
    try checkExtents()
  }

  /// Whether another file has the same datasets in the same places; values in headers may differ.
  public func hasSameStructure(as other: HDF5Catalogue) -> Bool {
    datasets.count == other.datasets.count
      && zip(datasets, other.datasets).allSatisfy { first, second in
        var first = first
        if case .compact(let bytes) = second.storage, case .compact(let own) = first.storage,
          bytes.count == own.count
        {
          first.storage = second.storage
        }
        return first == second
      }
  }

  /// Extents must lie in the file and belong to one dataset only: what overlaps would be written twice.
  private func checkExtents() throws(HDF5Error) {
    var extents: [(range: Range<Int>, path: String)] = []
    for dataset in datasets {
      guard case .contiguous(let offset) = dataset.storage, let count = dataset.byteCount,
        count > 0
      else { continue }
      guard offset >= 0, count <= fileSize, offset <= fileSize - count else {
        throw HDF5Error(
          .damaged,
          "damaged HDF5 file: the values of dataset '\(dataset.path)' lie outside of the file",
          hint: "the file is incomplete or damaged: download or copy it again, and compare its size"
        )
      }
      extents.append((offset..<offset + count, dataset.path))
    }
    extents.sort { $0.range.lowerBound < $1.range.lowerBound }
    for index in extents.indices.dropFirst()
    where extents[index].range.lowerBound < extents[index - 1].range.upperBound {
      throw HDF5Error(
        .damaged,
        "damaged HDF5 file: datasets '\(extents[index - 1].path)' and '\(extents[index].path)' overlap"
      )
    }
  }
}

extension HDF5Catalogue.Dataset {
  /// The number of bytes of the values of a dataset of numbers; nil for others.
  var byteCount: Int? {
    guard let dimensions, case .numbers(let encoding) = type,
      let shape = try? Shape(dimensions)
    else { return nil }
    return try? shape.byteCount(of: encoding.dtype)
  }
}

/// The state of reading a message.
private struct CatalogueParser {
  var datasets: [HDF5Catalogue.Dataset] = []
  var rootTexts: [String: String] = [:]
  private var datasetOfObject: [Int: Int] = [:]
  /// The root group is the first object.
  private static let rootObject = 0

  mutating func parse(_ message: [UInt8]) throws(HDF5Error) {
    var reader = CatalogueReader(message, 0..<message.count)
    guard try reader.raw(8) == Array("IMWAHDF5".utf8), try reader.byte() == 1 else {
      throw .message("it does not start as it should")
    }
    while true {
      let kind = try reader.byte()
      var record = try reader.part(try reader.count64())
      switch kind {
      case 3: try parseDataset(&record)
      case 6: try parseAttribute(&record)
      case 9:
        guard reader.isAtEnd else { throw .message("something follows its end") }
        return
      case 1, 2, 4, 5, 7, 8: continue
      default: throw .message("an unknown record")
      }
    }
  }

  private mutating func parseDataset(_ record: inout CatalogueReader) throws(HDF5Error) {
    let path = try record.text()
    // Character set and order of the link; then the object's header.
    try record.skip(1 + 1 + 8)
    let object = try record.count64()
    try record.skip(8 + 4 + 4 * 8 + 1 + 1 + 7 * 8)
    try record.skip(1 + 8)
    let type = try HDF5Type.parse(&record)
    let dimensions = try parseShape(&record)
    try record.skip(1)
    let fill = try record.blob()
    var filters: [String] = []
    for _ in 0..<(Int(try record.byte()) | Int(try record.byte()) << 8) {
      let number = try record.count32()
      try record.skip(4)
      let name = try record.text()
      filters.append(name.isEmpty ? "\(number)" : name)
      try record.skip(4 * (try record.count32()))
    }
    try record.skip(3)
    let storage = try parseStorage(&record, fill: fill)
    datasetOfObject[object] = datasets.count
    datasets.append(
      HDF5Catalogue.Dataset(
        path: path, type: type, dimensions: dimensions, storage: storage, filters: filters))
  }

  private func parseShape(_ record: inout CatalogueReader) throws(HDF5Error) -> [Int]? {
    let kind = try record.byte()
    let rank = Int(try record.byte())
    guard rank <= 32 else { throw .message("\(rank) dimensions") }
    var dimensions: [Int] = []
    for _ in 0..<rank {
      dimensions.append(try record.count64())
      try record.skip(8)
    }
    return kind == 2 ? nil : dimensions
  }

  private func parseStorage(_ record: inout CatalogueReader, fill: [UInt8]) throws(HDF5Error)
    -> HDF5Catalogue.Storage
  {
    switch try record.byte() {
    case 0:
      try record.skip(1)
      return .compact(try record.blob())
    case 1:
      guard let address = try record.address() else { return .neverWritten(fill: fill) }
      return .contiguous(offset: address)
    case 2: return .chunked
    default: throw .message("an unknown layout")
    }
  }

  /// Keras tells bfloat16 by an attribute of a dataset of two opaque bytes; the toolkit's own texts are
  /// attributes of the root.
  private mutating func parseAttribute(_ record: inout CatalogueReader) throws(HDF5Error) {
    let object = try record.count64()
    let name = try record.text()
    let opaque = name == "dtype" ? datasetOfObject[object] : nil
    let isOurs = object == CatalogueParser.rootObject && name.hasPrefix("imwa")
    guard opaque != nil || isOurs else { return }
    try record.skip(1 + 1 + 8)
    try record.skip(1 + 8)
    _ = try HDF5Type.parse(&record)
    _ = try parseShape(&record)
    guard try record.byte() == 2, try record.count64() == 1 else { return }
    let value = String(try record.text().prefix { $0 != "\0" })
    if isOurs { rootTexts[name] = value }
    if let opaque, datasets[opaque].type == .opaquePairs, value == "bfloat16" {
      datasets[opaque].type = .numbers(ElementEncoding(.bfloat16))
    }
  }
}
