/// What is done to a chunk before it is stored.
public enum ChunkFilter: Sendable, Hashable {
  /// Compressed by zlib's algorithm at a level from 0 to 9.
  case deflate(level: Int)
  /// Elements of this many bytes are taken apart, so that bytes of the same weight lie together.
  case shuffle(width: Int)
  /// Followed by Fletcher's checksum.
  case fletcher32
  /// Compressed by h5py's light method.
  case lzf

  /// A filter as a file describes it.
  public struct Description: Sendable, Hashable {
    /// Its registered number.
    public let id: Int
    /// Bit 0: a chunk that the filter fails on is stored without it.
    public let flags: UInt32
    /// The parameters.
    public let clientValues: [UInt32]
    /// The name that the file gives it; may be empty.
    public let name: String

    /// Describes a filter.
    public init(id: Int, flags: UInt32, clientValues: [UInt32], name: String) {
      self.id = id
      self.flags = flags
      self.clientValues = clientValues
      self.name = name
    }
  }

  /// The registered number of LZF.
  static let lzfNumber = 32000

  /// Understands a description.
  ///
  /// - Throws: `HDF5Error` when the filter is another one or its parameters make no sense.
  public init(_ description: Description) throws(HDF5Error) {
    let values = description.clientValues
    switch description.id {
    case 1:
      guard values.count == 1, values[0] <= 9 else { throw .badParameters(of: "deflate", values) }
      self = .deflate(level: Int(values[0]))
    case 2:
      guard values.count == 1, values[0] > 0 else { throw .badParameters(of: "shuffle", values) }
      self = .shuffle(width: Int(values[0]))
    case 3: self = .fletcher32
    case ChunkFilter.lzfNumber: self = .lzf
    default:
      throw HDF5Error(.refused, "filter \(ChunkFilter.name(of: description)) is not supported")
    }
  }

  /// The name in HDF5's registry.
  public var name: String {
    switch self {
    case .deflate: "deflate"
    case .shuffle: "shuffle"
    case .fletcher32: "fletcher32"
    case .lzf: "lzf"
    }
  }

  /// The most bytes that a chunk of `byteCount` bytes has behind the filter.
  func maximumByteCount(of byteCount: Int) -> Int {
    switch self {
    // libhdf5's own limit is a thousandth and 12 bytes more; libdeflate wants some space behind its stream.
    case .deflate: byteCount + (byteCount + 999) / 1000 + 12 + 20
    case .fletcher32: byteCount + Fletcher32.byteCount
    case .shuffle, .lzf: byteCount
    }
  }

  /// Whether the size of what goes in is known from what comes out.
  var keepsSize: Bool {
    switch self {
    case .shuffle, .fletcher32: true
    case .deflate, .lzf: false
    }
  }

  /// The number and the name of a filter that is none of these; nil for those that are.
  static func unknownName(of description: Description) -> String? {
    (1...3).contains(description.id) || description.id == lzfNumber ? nil : name(of: description)
  }

  private static func name(of description: Description) -> String {
    let known = registeredNames[description.id] ?? description.name
    return known.isEmpty ? "\(description.id)" : "\(description.id) (\(known))"
  }

  /// The filters that are met most often, from HDF5's registry.
  private static let registeredNames = [
    4: "szip", 5: "nbit", 6: "scaleoffset", 305: "lzo", 307: "bzip2", 32001: "blosc",
    32002: "mafisc", 32003: "snappy", 32004: "lz4", 32008: "bitshuffle", 32013: "zfp",
    32014: "fpzip", 32015: "zstd", 32017: "sz", 32024: "sz3", 32026: "blosc2",
  ]
}

extension HDF5Error {
  fileprivate static func badParameters(of filter: String, _ values: [UInt32]) -> HDF5Error {
    HDF5Error(.damaged, "damaged HDF5 file: filter \(filter) has the parameters \(values)")
  }
}
