public import FileIO
public import SystemPackage
import TensorCore

/// What is to be written where.
public struct OutputRequest: Sendable {
  /// The file or folder.
  public var path: FilePath
  /// Whether it is a file or a folder.
  public var form: StagedOutput.Form
  /// The most bytes of tensors in one file of a folder; nil for no limit of its own.
  public var maximumShardSize: Int?
  /// The arrangement to keep in a folder, when no shard size is asked for.
  public var arrangement: CheckpointReader.Arrangement?
  /// The folder whose sidecar files are carried over.
  public var sidecarFolder: FilePath?
  /// What to do when the path is taken.
  public var existing: StagedOutput.Existing
  /// Whether the result is forced to the disk.
  public var durability: Durability

  /// Asks for a new file.
  public init(
    path: FilePath, form: StagedOutput.Form = .file, existing: StagedOutput.Existing = .refuse,
    durability: Durability = .full
  ) {
    self.path = path
    self.form = form
    self.existing = existing
    self.durability = durability
  }
}

/// The bytes of an output, but for the tensors' values.
public struct OutputLayout: Sendable {
  /// A tensor's place in a file.
  public struct Placement: Sendable {
    /// Which tensor, counted in the map that is written.
    public let tensor: Int
    /// The first byte in the file.
    public let offset: Int
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
    public let name: String?
    /// The bytes before the tensors.
    public let prefix: [UInt8]
    /// The tensors in the order of their places; they follow the prefix and each other without gaps.
    public let placements: [Placement]
    /// The size of the file.
    public let size: Int
    /// What fills the gaps between the tensors; in the order of its places.
    let carried: [Carried]

    init(
      name: String?, prefix: [UInt8], placements: [Placement], size: Int, carried: [Carried] = []
    ) {
      self.name = name
      self.prefix = prefix
      self.placements = placements
      self.size = size
      self.carried = carried
    }
  }

  /// The files with tensors.
  public let files: [File]
  /// Other files of a folder, which are written last: an index.
  public let texts: [(name: String, bytes: [UInt8])]
  /// What a format has to do to the staged file when the tensors are in it; nil for nothing.
  let finish: (@Sendable (FilePath) throws -> Void)?

  /// Lists the files.
  init(
    files: [File], texts: [(name: String, bytes: [UInt8])] = [],
    finish: (@Sendable (FilePath) throws -> Void)? = nil
  ) {
    self.files = files
    self.texts = texts
    self.finish = finish
  }

  /// The number of bytes of all files.
  public var byteCount: Int {
    files.reduce(0) { $0 + $1.size } + texts.reduce(0) { $0 + $1.bytes.count }
  }
}
