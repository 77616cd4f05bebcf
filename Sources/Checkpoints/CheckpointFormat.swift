public import SystemPackage
public import TensorCore

/// A kind of checkpoint file: how it is told apart, opened, and laid out.
public protocol CheckpointFormat: Sendable {
  /// The name in messages and options.
  static var name: String { get }

  /// The ends of the file names that people give it, the usual one first.
  static var suffixes: [String] { get }

  /// Other ends that names of such files have, but those of other formats too: they tell the format only of what is
  /// made from a file of it.
  static var sharedSuffixes: [String] { get }

  /// Whether a file can be written from tensors alone, rather than only after an input of the format.
  static var writesFromTensorsAlone: Bool { get }

  /// Whether tensors can be compressed when a file is written from them alone.
  static var compresses: Bool { get }

  /// Whether two names of one tensor stay one tensor in a file.
  static var keepsTies: Bool { get }

  /// Whether a file says more of a model than tensors, metadata and `otherContents`: attributes, a configuration.
  static var describesModels: Bool { get }

  /// The tensors that a file cannot hold, because of their dtypes or names.
  static func unsupported(in weights: WeightMap) -> [UnsupportedTensor]

  /// Whether a file that starts with these bytes (up to 512) is of this format.
  static func recognizes(start: [UInt8]) -> Bool

  /// Whether a ZIP archive with these members is of this format, when its start does not tell.
  static func recognizes(members: [String]) -> Bool

  /// Opens a file and reads its catalogue, but no data.
  ///
  /// - Throws: `CheckpointError`, `FileError`.
  static func open(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader

  /// Places tensors in one file or several.
  ///
  /// - Throws: when the format cannot hold a tensor.
  static func layout(of weights: WeightMap, for request: OutputRequest) throws -> OutputLayout
}

extension CheckpointFormat {
  /// Most formats are no archives.
  public static func recognizes(members: [String]) -> Bool { false }

  /// Opens a file with the usual options.
  ///
  /// - Throws: `CheckpointError`, `FileError`.
  public static func open(_ path: FilePath) throws -> CheckpointReader {
    try open(path, ReadingOptions())
  }
}

/// A tensor that a format cannot hold.
public struct UnsupportedTensor: Sendable, Hashable {
  /// The name of the tensor.
  public let name: String
  /// Why it cannot be held: `HDF5 has no dtype for F4`.
  public let reason: String

  /// Tells of a tensor.
  package init(name: String, reason: String) {
    self.name = name
    self.reason = reason
  }
}

extension CheckpointFormat {
  /// Most formats have names of their own.
  public static var sharedSuffixes: [String] { [] }

  /// Most formats have no ties.
  public static var keepsTies: Bool { false }

  /// Most formats say nothing more.
  public static var describesModels: Bool { false }

  /// A format may hold everything.
  public static func unsupported(in weights: WeightMap) -> [UnsupportedTensor] { [] }
}

/// The formats that are known.
public enum CheckpointFormats {
  /// All of them; the first that recognises a file opens it.
  public static let all: [any CheckpointFormat.Type] = [
    SafetensorsCheckpoint.self, HDF5Checkpoint.self, KerasCheckpoint.self, PyTorchCheckpoint.self,
    NumPyCheckpoint.self,
  ]

  /// The format of the files in a folder that is to be written: the one asked for, that of the index that was named,
  /// or that of the first input where it keeps its form.
  ///
  /// - Throws: `CheckpointError` for an index that only an input of the same kind can give.
  static func format(forFolder request: OutputRequest) throws -> any CheckpointFormat.Type {
    if let index = request.indexName {
      if let format = format(ofIndex: index) { return format }
      guard case .kerasShards? = request.arrangement else {
        throw CheckpointError(
          .usage, request.path.appending(index),
          "an index of Keras is only written where the first input has one",
          hint: "name one file that ends in .weights.h5")
      }
      return HDF5Checkpoint.self
    }
    if let format = request.format, format is any ShardedFormat.Type { return format }
    switch request.arrangement {
    case .sharded(let model)?: return model.format
    case .components(let model)?: return model.components[0].reader.format
    case .pytorch?: return PyTorchCheckpoint.self
    case .hdf5? where request.maximumShardSize == nil: return HDF5Checkpoint.self
    case .kerasShards? where request.maximumShardSize == nil: return HDF5Checkpoint.self
    default: return SafetensorsCheckpoint.self
    }
  }

  /// Whether an output of this name may be made like the first input, with all that a format describes of a model.
  public static func takesStructure(output path: FilePath) -> Bool {
    let isShared = all.contains { $0.describesModels && $0.hasSharedName(path) }
    return isShared || format(forOutput: path)?.describesModels ?? true
  }

  /// The format of a file that is to be written, by the end of its name.
  public static func format(forOutput path: FilePath) -> (any CheckpointFormat.Type)? {
    let name = path.lastComponent?.string ?? ""
    return all.first { format in format.suffixes.contains { name.hasSuffix($0) } }
  }

  /// Whether a path has the name of an index of a model in several files.
  public static func isIndex(_ path: FilePath) -> Bool {
    let name = path.lastComponent?.string ?? ""
    return format(ofIndex: name) != nil || name.hasSuffix(KerasShards.indexSuffix)
  }

  /// Whether an output of this name is one file, even where the first input is a folder.
  public static func isNamedAsFile(_ path: FilePath, after first: any CheckpointFormat.Type) -> Bool
  {
    first.hasSharedName(path) || format(forOutput: path) != nil
  }

  /// The format of a file that is to be written: by the end of its name, or that of the first input where the name
  /// tells nothing else.
  static func format(forOutput path: FilePath, after first: (any CheckpointFormat.Type)?)
    -> (any CheckpointFormat.Type)?
  {
    if let first, first.hasSharedName(path) { return first }
    if let format = format(forOutput: path) { return format }
    let isOther = all.contains { $0.hasSharedName(path) } || path.hasForeignSuffix
    return isOther ? nil : first
  }
}

extension CheckpointFormat {
  fileprivate static func hasSharedName(_ path: FilePath) -> Bool {
    let name = path.lastComponent?.string ?? ""
    return sharedSuffixes.contains { name.hasSuffix($0) }
  }
}

extension FilePath {
  /// Ends of names that promise something that no format here is.
  private static let foreignSuffixes = [
    "gguf", "ggml", "onnx", "tflite", "pb", "mlmodel", "msgpack", "json", "yaml", "yml", "txt",
    "csv", "npy", "zip", "tar", "gz", "bz2", "xz", "zst", "safetensor", "nemo", "distcp",
  ]

  fileprivate var hasForeignSuffix: Bool {
    self.extension.map { FilePath.foreignSuffixes.contains($0.lowercased()) } ?? false
  }
}
