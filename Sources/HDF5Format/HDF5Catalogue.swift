import TensorCore

/// What is in an HDF5 file: the groups, the datasets, and where their values are.
///
/// It is read from the message of the child that walked the file (`CHDF5.h` tells its layout). Every number
/// is checked here: extents lie in the file and do not overlap.
public struct HDF5Catalogue: Sendable, Hashable {
  /// A chunk with storage.
  public struct Chunk: Sendable, Hashable {
    /// Its number in the grid.
    public let number: Int
    /// The first byte in the file.
    public let address: Int
    /// How many bytes are stored.
    public let storedSize: Int
    /// A bit for each filter that was not applied.
    public let filterMask: UInt32
  }

  /// Where the values of a dataset are.
  public enum Storage: Sendable, Hashable {
    /// One after the other from this byte of the file on.
    case contiguous(offset: Int)
    /// In the header of the dataset.
    case compact([UInt8])
    /// Nowhere: every element has the fill value.
    case neverWritten
    /// In chunks of this shape; those that are not listed have the fill value.
    case chunked([Int], [Chunk])
  }

  /// A dataset.
  public struct Dataset: Sendable, Hashable {
    /// The path without the leading slash.
    public let path: String
    /// Its number among the objects of the file.
    public let object: Int
    /// What its elements are.
    public internal(set) var type: HDF5Type
    /// The extents; nil for a dataset without elements and extents.
    public let dimensions: [Int]?
    /// Where the values are.
    public internal(set) var storage: Storage
    /// The filters that its chunks went through, in order.
    public let filters: [ChunkFilter.Description]
    /// Whether chunks that reach over the end of the array went through them too.
    public let filtersPartialChunks: Bool
    /// The bytes of the value of elements that were never written; none when it is undefined.
    public let fill: [UInt8]
  }

  /// A group.
  public struct Group: Sendable, Hashable {
    /// The path without the leading slash; empty for the root.
    public let path: String
    /// Its number among the objects of the file.
    public let object: Int
  }

  /// A path that leads to an object or names another path.
  public enum Link: Sendable, Hashable {
    /// One more path of an object.
    case hard(path: String, object: Int)
    /// A path that stands for another.
    case soft(path: String, target: String)
    /// A path that leads out of the file, or nobody knows where.
    case foreign(path: String, kind: String)

    /// Where the link is.
    public var path: String {
      switch self {
      case .hard(let path, _), .soft(let path, _), .foreign(let path, _): path
      }
    }
  }

  /// An object that nothing was asked of but where it is.
  public struct Unread: Sendable, Hashable {
    /// The path without the leading slash.
    public let path: String
    /// Its number among the objects of the file.
    public let object: Int
    /// Why, as the message tells it.
    private let reason: String

    private static let newer = "newer: "

    init(path: String, object: Int, reason: String) {
      self.path = path
      self.object = object
      self.reason = reason
    }

    /// Why its values are not read, as the end of a sentence.
    public var sentence: String {
      reason.hasPrefix(Unread.newer)
        ? "it is " + reason.dropFirst(Unread.newer.count) : "its values are in other files"
    }
  }

  /// The groups in the order of their paths, each once.
  public let groups: [Group]
  /// The datasets in the order of their paths, numbers in them by their size, each dataset once.
  public let datasets: [Dataset]
  /// Further paths.
  public let links: [Link]
  /// Datasets that are in the file, but not their values, and objects of later versions of HDF5.
  public let unread: [Unread]
  /// The texts of attributes, by the number of their object and their name.
  public let texts: [Int: [String: [String]]]
  /// The values of all attributes, by the number of their object and their name.
  public let attributes: [Int: [String: HDF5Values]]
  /// The values of datasets of anything but numbers, by the number of their object.
  public let values: [Int: HDF5Values]
  /// The number of bytes of the file.
  public let fileSize: Int
  /// Whether objects share messages of their headers, which libhdf5 1.10 cannot always read once it has changed them.
  public let sharesMessages: Bool
  /// How many bytes the file would need at least if libhdf5 wrote it anew.
  public let packedByteCount: Int

  /// The number of the root group.
  static let rootObject = 0

  /// Reads a message.
  ///
  /// - Throws: `HDF5Error` when a number makes no sense.
  public init(message: [UInt8], fileSize: Int) throws(HDF5Error) {
    var parser = CatalogueParser()
    try parser.parse(message)
    groups = parser.groups
    let paths = parser.datasets.map { NumericPath($0.path) }
    datasets = paths.indices.sorted { paths[$0] < paths[$1] }.map { parser.datasets[$0] }
    links = parser.links
    unread = parser.unread
    texts = parser.texts
    attributes = parser.attributes
    values = parser.values
    self.fileSize = fileSize
    sharesMessages = parser.sharesMessages
    packedByteCount = min(fileSize, try parser.packedSize.total())
    try checkExtents()
  }

  /// The texts of the attributes of the root, by their names.
  public var rootTexts: [String: [String]] { texts[HDF5Catalogue.rootObject] ?? [:] }

  /// The paths that lead to what has another one, or nowhere.
  public var linkPaths: Set<String> {
    Set(links.map(\.path))
  }

  /// Whether another file has the same datasets in the same places; values in headers may differ.
  public func hasSamePlaces(as other: HDF5Catalogue) -> Bool {
    guard groups == other.groups, links == other.links, unread == other.unread else { return false }
    return datasets.count == other.datasets.count
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
    var extents: [(range: Range<Int>, dataset: Int)] = []
    for number in datasets.indices {
      switch datasets[number].storage {
      case .contiguous(let offset):
        guard let count = datasets[number].byteCount, count > 0 else { continue }
        extents.append((try range(at: offset, count, number), number))
      case .chunked(_, let chunks):
        for chunk in chunks {
          extents.append((try range(at: chunk.address, chunk.storedSize, number), number))
        }
      case .compact, .neverWritten: continue
      }
    }
    extents.sort { $0.range.lowerBound < $1.range.lowerBound }
    for index in extents.indices.dropFirst()
    where extents[index].range.lowerBound < extents[index - 1].range.upperBound {
      let (first, second) = (extents[index - 1].dataset, extents[index].dataset)
      throw HDF5Error(
        .damaged,
        first == second
          ? "damaged HDF5 file: chunks of dataset '\(datasets[first].path)' overlap"
          : "damaged HDF5 file: datasets '\(datasets[first].path)' and '\(datasets[second].path)' "
            + "overlap")
    }
  }

  private func range(at offset: Int, _ count: Int, _ dataset: Int) throws(HDF5Error) -> Range<Int> {
    guard offset >= 0, count >= 0, count <= fileSize, offset <= fileSize - count else {
      throw HDF5Error(
        .damaged,
        "damaged HDF5 file: the values of dataset '\(datasets[dataset].path)' lie outside of the file",
        hint: "the file is incomplete or damaged: download or copy it again, and compare its size")
    }
    return offset..<offset + count
  }
}

/// Values that are small enough to be read with the catalogue.
public enum HDF5Values: Sendable, Hashable {
  /// Text.
  case texts([String])
  /// The bytes of numbers and records, as they are stored.
  case bytes([UInt8])
  /// References, sequences, and what is too much.
  case notRead
}

extension HDF5Catalogue.Dataset {
  /// The number of bytes of a stored number; nil for what is no number.
  public var elementSize: Int? {
    switch type {
    case .numbers(let encoding): encoding.dtype.elementUnit
    case .floats(let layout): layout.size
    case .opaquePairs, .unreadNumbers, .other: nil
    }
  }

  /// The first filter of its chunks that is not undone here, by number and name; nil when there is none.
  public var unknownFilter: String? {
    filters.lazy.compactMap(ChunkFilter.unknownName).first
  }

  /// Whether its values can be read as those of a tensor.
  public var isTensor: Bool { elementSize != nil && unknownFilter == nil }

  /// The number of bytes of the values of a dataset of numbers, as they are stored; nil for others.
  public var byteCount: Int? {
    guard let dimensions, let elementSize, let shape = try? Shape(dimensions) else { return nil }
    let (count, overflow) = shape.elementCount.multipliedReportingOverflow(by: elementSize)
    return overflow ? nil : count
  }
}
