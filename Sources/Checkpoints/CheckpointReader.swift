public import FileIO
public import SystemPackage
public import TensorCore

/// An open checkpoint: its catalogue, and the files that its values are read from.
public struct CheckpointReader: Sendable {
  /// How the tensors are spread over files.
  public enum Arrangement: Sendable {
    /// One file of this name in its folder; nil when it was opened as a file.
    case single(name: String?)
    /// An HDF5 file, whose structure the output keeps.
    case hdf5(HDF5Structure)
    /// Several HDF5 files of Keras, which the output has too.
    case kerasShards(KerasShards)
    /// An archive of Keras, of which the output keeps all but the weights.
    case keras(KerasArchive)
    /// A file of PyTorch, of which the output keeps all but the weights.
    case pytorch(PyTorchStructure)
    /// An archive of NumPy, of which the output keeps what is no number.
    case numpy(NumPyArchive)
    /// Several files and an index, whose partition the output keeps.
    case sharded(ShardedModel)
    /// Several models in a folder that make one together, which the output has too.
    case components(ComponentModel)
  }

  /// The file, folder or index that was opened.
  public let path: FilePath
  /// The tensors, without their data.
  public private(set) var weights: WeightMap
  /// The files that hold the data.
  public let files: [ReadableFile]
  /// How the tensors are spread over files.
  public internal(set) var arrangement: Arrangement
  /// The folder that holds the model, when it is one and not a file.
  public let folder: FilePath?
  /// The format of the files.
  public internal(set) var format: any CheckpointFormat.Type = SafetensorsCheckpoint.self
  /// Compares the checksums that the files have of their data, on some threads; nil when they have none.
  public var checksums: (@Sendable (_ threads: Int) throws -> Void)?
  /// Whether the checksums of what is read are compared anyway, when all has been read.
  var checksWhatIsRead = false
  /// What the file holds besides tensors, which an output of the same format takes from the first input.
  public var otherContents: [String] = []
  /// What is of classes that are not understood, which no output takes over.
  public var unknownContents: [String] = []
  /// The names of layers by their place in the file, where the names of tensors do not tell them.
  public var layerNames: [ExactString: String] = [:]
  /// The tensors whose values this version cannot read; the others can be worked with.
  public var unreadable: [UnreadableTensor] {
    get { weights.unreadable }
    set { weights.unreadable = newValue }
  }
  /// What the files hold beside tensors; whether the values of tensors among it are told is the parameter.
  var ownParts: @Sendable (_ comparesTensors: Bool) throws -> [ModelPart] = { _ in [] }
  /// What a user should know although it is no error.
  public var notices: [String] = []

  /// The name that provenance and messages use: the last component of the path.
  public var baseName: String {
    let name = (folder ?? path).lastComponent?.string
    return name.flatMap { [".", ".."].contains($0) ? nil : $0 } ?? path.lastComponent?.string
      ?? path.string
  }

  /// Whether it is a file of PyTorch, or several with an index.
  public var isPyTorch: Bool { format == PyTorchCheckpoint.self }

  /// Whether an output of this format takes over what is no weight.
  ///
  /// - Parameter isCut: whether the tensors are spread over files of a given size, which hold nothing else.
  public func keepsOtherContents(in format: any CheckpointFormat.Type, isCut: Bool = false) -> Bool
  {
    if isCut { return false }
    return switch arrangement {
    case .hdf5, .kerasShards: format == HDF5Checkpoint.self
    case .keras: format == KerasCheckpoint.self || format == HDF5Checkpoint.self
    case .pytorch: format == PyTorchCheckpoint.self
    case .numpy: format == NumPyCheckpoint.self
    case .sharded(let model): format == PyTorchCheckpoint.self && model.format == format
    case .components(let model):
      model.components.allSatisfy { $0.reader.keepsOtherContents(in: format) }
    case .single: false
    }
  }

  /// Which checkpoint it is, whatever its path.
  public var identity: Set<FileStatus.Identity> { Set(files.map(\.identity)) }

  /// Opens a file of any known format, an index of shards, or a folder that holds a model.
  ///
  /// - Throws: `CheckpointError` for what is no checkpoint or is damaged, `FileError` for what cannot be
  ///   read.
  public init(opening path: FilePath, options: ReadingOptions = ReadingOptions()) throws {
    guard let status = FileStatus(of: path) else {
      throw FileErrors.missing(path)
    }
    if status.kind == .folder {
      self = try CheckpointFolder.open(path, options: options)
    } else if let name = path.lastComponent?.string,
      CheckpointFormats.format(ofIndex: name) != nil
    {
      self = try CheckpointFolder.open(path.folder, index: name, options: options)
    } else if let name = path.lastComponent?.string, name.hasSuffix(KerasShards.indexSuffix) {
      self = try KerasShards.open(index: path, folder: path.folder).inFolder(path.folder)
    } else {
      let reader = try FormatDetection.open(path, options)
      let isQuantized = try CheckpointFolder.hasQuantizationConfig(path.folder, for: reader.weights)
      self = isQuantized ? reader.with(reader.weights.quantized) : reader
    }
    if weights.isWithoutValues { notices.append(emptinessNotice) }
  }

  private var emptinessNotice: String {
    let isZero = ProcessParts.isZeroPart(path.lastComponent?.string ?? "")
    return "\(path): all of its tensors are empty"
      + (isZero
        ? ": DeepSpeed ZeRO keeps the weights in other files; zero_to_fp32.py makes one model of them"
        : "")
  }

  init(
    path: FilePath, weights: WeightMap, files: [ReadableFile],
    arrangement: Arrangement = .single(name: nil), folder: FilePath? = nil, notices: [String] = []
  ) {
    self.path = path
    self.weights = weights
    self.files = files
    self.arrangement = arrangement
    self.folder = folder
    self.notices = notices
  }

  /// The same checkpoint as the contents of a folder.
  func inFolder(_ folder: FilePath) -> CheckpointReader { with(weights, in: folder) }

  /// The same checkpoint with other weights, as the contents of a folder when one is given.
  func with(_ weights: WeightMap, in folder: FilePath? = nil) -> CheckpointReader {
    var arrangement = arrangement
    if case .single = arrangement, folder != nil {
      arrangement = .single(name: path.lastComponent?.string)
    }
    var reader = CheckpointReader(
      path: path, weights: weights, files: files, arrangement: arrangement, folder: folder,
      notices: notices)
    reader.format = format
    reader.layerNames = layerNames
    reader.otherContents = otherContents
    reader.unknownContents = unknownContents
    reader.checksums = checksums
    reader.checksWhatIsRead = checksWhatIsRead
    reader.unreadable = unreadable
    reader.ownParts = ownParts
    return reader
  }

  /// Compares the checksums of data that would be read unchecked.
  ///
  /// - Throws: `CheckpointError` when one is wrong.
  public func checkBeforeReading(threads: Int) throws {
    if !checksWhatIsRead { try checksums?(threads) }
  }
}

extension WeightMap {
  /// Whether there are tensors, but no element in any of them.
  var isWithoutValues: Bool {
    !tensors.isEmpty && tensors.allSatisfy { $0.info.shape.elementCount == 0 }
  }
}

/// Errors that several parts raise in the same words.
enum FileErrors {
  static func missing(_ path: FilePath) -> CheckpointError {
    let errno = FileStatus.failure(of: path)
    if errno == .noSuchFileOrDirectory {
      let isDangling = FileStatus(ofLink: path)?.kind == .symbolicLink
      return CheckpointError(
        .missingInput, path,
        isDangling
          ? "it is a symbolic link to a file that does not exist" : "no such file or folder")
    }
    return CheckpointError(
      .missingInput, path, "it cannot be reached: \(errno?.description.lowercased() ?? "unknown")")
  }
}

extension FilePath {
  /// The folder that a path is in.
  var folder: FilePath {
    let folder = removingLastComponent()
    return folder.isEmpty ? "." : folder
  }
}
