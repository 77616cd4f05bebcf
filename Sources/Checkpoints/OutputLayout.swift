import Compression
import FileIO
import HDF5Format
import SystemPackage
import TensorCore

/// The bytes of an output, but for the tensors' values.
public struct OutputLayout: Sendable {
  /// A tensor's place in a file.
  public struct Placement: Sendable {
    /// Which tensor, counted in the map that is written.
    public let tensor: Int
    /// The first byte in the file.
    public let offset: Int
    /// How the file cuts the tensor, when its values stand there chunk after chunk; nil for C order.
    let chunks: ChunkGrid?
    /// The width of the groups of bytes that are reversed in the file; nil for little-endian values.
    let reversedWidth: Int?

    init(tensor: Int, offset: Int, chunks: ChunkGrid? = nil, reversedWidth: Int? = nil) {
      self.tensor = tensor
      self.offset = offset
      self.chunks = chunks
      self.reversedWidth = reversedWidth
    }
  }

  /// Bytes of another file that are carried over to the same place.
  public struct Carried: Sendable {
    /// The bytes, as a tensor of bytes.
    let bytes: Tensor
    /// The first byte in the file.
    let offset: Int
  }

  /// A file with tensors.
  public struct File: Sendable {
    /// The name in the folder; nil when the file is the output.
    public private(set) var name: String?
    /// The bytes before the tensors.
    public let prefix: [UInt8]
    /// The tensors in the order of their places; they follow the prefix and each other without gaps.
    public let placements: [Placement]
    /// The size of the file.
    public let size: Int
    /// What fills the gaps between the tensors; in the order of its places.
    let carried: [Carried]
    /// The places where the file may be cut into blocks, the first of them 0; empty when it may be anywhere.
    let cuts: [Int]
    /// The ranges whose checksums `finish` needs, ascending and without overlap.
    let summed: [Range<Int>]

    init(
      name: String?, prefix: [UInt8], placements: [Placement], size: Int, carried: [Carried] = [],
      cuts: [Int] = [], summed: [Range<Int>] = []
    ) {
      self.name = name
      self.prefix = prefix
      self.placements = placements
      self.size = size
      self.carried = carried
      self.cuts = cuts
      self.summed = summed
    }

    func named(_ name: String?) -> File {
      var file = self
      file.name = name
      return file
    }

    /// The largest number of bytes between cuts; nil when there are none.
    var largestBlock: Int? {
      zip(cuts, cuts.dropFirst() + [size]).map { $1 - $0 }.max()
    }
  }

  /// Files that are laid out each for itself, and the weights in them.
  struct Part: Sendable {
    let weights: WeightMap
    let layout: OutputLayout

    /// The same files under other names in the folder.
    func renamingFiles(_ newName: (String) -> String) -> Part {
      var layout = layout
      layout.files = layout.files.map { $0.named($0.name.map(newName)) }
      return Part(weights: weights, layout: layout)
    }
  }

  /// The files with tensors.
  public private(set) var files: [File]
  /// What takes the place of `files` where each is laid out for itself; empty otherwise.
  private(set) var parts: [Part] = []
  /// Other files of a folder, which are written last: an index.
  public internal(set) var texts: [(name: String, bytes: [UInt8])]
  /// The tensors as they are placed, when some are placed in another order than that of the map.
  let placed: [Tensor]?
  /// What takes the place of files that are written at places: a file that another process builds of the
  /// blocks in their order.
  let builder: (any OutputBuilder)?
  /// What a format has to do to the staged file when the tensors are in it, with the checksums of the ranges that are
  /// `summed`; nil for nothing.
  let finish: (@Sendable (FilePath, RangeChecksums) throws -> Void)?
  /// What a user should know of what the output will be.
  var notices: [String] = []
  /// Puts the finished file into the one that is the output; nil when it is that itself.
  private(set) var enclose: (@Sendable (ReadableFile, WritableFile) throws -> Void)?

  /// The same contents, put into another file.
  func enclosed(by enclose: @escaping @Sendable (ReadableFile, WritableFile) throws -> Void)
    -> OutputLayout
  {
    var layout = self
    layout.enclose = enclose
    return layout
  }

  /// Lists files that are laid out each for itself, and others.
  init(parts: [Part], texts: [(name: String, bytes: [UInt8])]) {
    self.init(files: [], texts: texts)
    self.parts = parts
  }

  /// Lists the files.
  init(
    files: [File], texts: [(name: String, bytes: [UInt8])] = [], placed: [Tensor]? = nil,
    builder: (any OutputBuilder)? = nil,
    finish: (@Sendable (FilePath, RangeChecksums) throws -> Void)? = nil
  ) {
    self.files = files
    self.texts = texts
    self.placed = placed
    self.builder = builder
    self.finish = finish
  }

  /// The files as parts, however they are laid out.
  func asParts(of weights: WeightMap) -> [Part] {
    parts.isEmpty ? [Part(weights: weights, layout: self)] : parts
  }

  /// The number of bytes of all files.
  public var byteCount: Int {
    parts.reduce(0) { $0 + $1.layout.byteCount } + files.reduce(0) { $0 + $1.size }
      + texts.reduce(0) { $0 + $1.bytes.count }
  }
}
