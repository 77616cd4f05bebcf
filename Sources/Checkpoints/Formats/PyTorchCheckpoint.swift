import FileIO
import PyTorchFormat
public import SystemPackage
public import TensorCore
import ZipArchive

/// PyTorch's files: ZIP archives and what came before them. Pickles are read as data and never run.
///
/// The weights are found in what training programs save; their names are the paths to them. The output is the first
/// input but for the values: its pickle stays as it is where it can, and is written anew otherwise.
public enum PyTorchCheckpoint: CheckpointFormat {
  /// `PyTorch`.
  public static let name = "PyTorch"
  /// `.pt`, `.pth`, `.bin`, `.ckpt`, and what some training programs call such files.
  public static let suffixes = [
    ".pt", ".pth", ".bin", ".ckpt", ".pth.tar", ".pt.tar", ".ckpt.tar", ".pyth", ".th",
  ]
  /// Without a PyTorch file as the first input, a dictionary of tensors is written.
  public static let writesFromTensorsAlone = true
  /// PyTorch stores members as they are.
  public static let compresses = false

  /// Names of one storage stay so.
  public static let keepsTies = true

  /// Codes of six bits have no dtype, and codes of four bits come in pairs.
  public static func unsupported(in weights: WeightMap) -> [UnsupportedTensor] {
    weights.tensors.compactMap { tensor in
      let info = tensor.info
      if !TorchDType.canStore(info.dtype) {
        return UnsupportedTensor(
          name: info.name, reason: "\(name) has no dtype for \(info.dtype.rawValue)")
      }
      let isOdd = info.dtype == .float4 && (info.shape.dimensions.last ?? 1) % 2 != 0
      return isOdd
        ? UnsupportedTensor(name: info.name, reason: "F4 has an odd last axis, which \(name) lacks")
        : nil
    }
  }

  /// What a file declares may be this much, or so many times as much as it has: one number can stand for many.
  private static let largestExpanded = 4 << 30
  private static let largestRatio = 1000

  /// Whether the file starts like an archive of PyTorch, or with a pickle.
  public static func recognizes(start: [UInt8]) -> Bool { PyTorchFile.recognizes(start: start) }

  /// Whether a member of an archive is one that only PyTorch writes.
  public static func recognizes(members: [String]) -> Bool {
    members.contains { PyTorchFile.recognizes(member: $0) }
  }

  /// Opens a file and finds the weights in it.
  public static func open(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader {
    let file = try ReadableFile(path)
    do {
      let contents = try PyTorchFile(file)
      let choice = StateChoice(
        key: options.key, prefersAverage: options.usesAverage, takesCopies: options.takesCopies)
      let dictionary = try StateDictionary(of: contents, choice: choice)
      if options.isStrict, let unknown = dictionary.unknown.first {
        throw CheckpointError(
          .badInput, path, "\(unknown) is of a class that is not understood",
          hint: "without --strict it is left out")
      }
      let structure = PyTorchStructure(file: file, contents: contents, dictionary: dictionary)
      var sources = PyTorchSources(contents)
      let tensors = try dictionary.entries.map { try sources.tensor($0) }
      let weights = try WeightMap(tensors, metadata: try structure.metadata())
      guard weights.byteCount <= largestExpanded || weights.byteCount / largestRatio <= file.size
      else {
        throw CheckpointError(
          .badInput, path,
          "it declares \(ByteCount.text(weights.byteCount)) of values, but has only "
            + ByteCount.text(file.size), hint: "the file is damaged or malicious")
      }
      var reader = CheckpointReader(
        path: path, weights: weights, files: [file], arrangement: .pytorch(structure))
      reader.otherContents = dictionary.others
      reader.unknownContents = dictionary.unknown
      reader.ownParts = { comparesTensors in
        try structure.parts(comparesTensors: comparesTensors)
      }
      reader.unreadable = dictionary.unreadable.map(\.tensor)
      reader.notices = dictionary.notices.map { "\(path): \($0)" }
      if case .zip(let archive, let root) = contents.container {
        reader.checksWhatIsRead = true
        reader.checksums = { threads in
          do {
            // Storages that are deflated were checked when they were decompressed.
            let storages = Set(contents.storages.map { ExactString("\(root)/data/\($0.key)") })
            let members = archive.members.filter {
              $0.method == .stored || !storages.contains(ExactString($0.name))
            }
            try archive.verify(members, threads: threads)
          } catch let error as ZipError {
            throw CheckpointError(path, error)
          }
        }
      }
      return reader
    } catch let error as PyTorchError {
      throw CheckpointError(path, error)
    } catch let error as ZipError {
      throw CheckpointError(path, error)
    } catch let error as TensorError {
      throw CheckpointError(path, error)
    }
  }

  /// Writes an archive, like that of the first input where that is one of PyTorch; or several with an index.
  public static func layout(of weights: WeightMap, for request: OutputRequest) throws
    -> OutputLayout
  {
    switch request.form {
    case .file: try layout(named: nil, of: weights, like: request.arrangement, for: request)
    case .folder: try ShardedLayout(weights, for: request, self).layout()
    }
  }

  private static func layout(
    named name: String?, of weights: WeightMap, like original: CheckpointReader.Arrangement?,
    for request: OutputRequest
  ) throws -> OutputLayout {
    var structure: PyTorchStructure?
    if case .pytorch(let first)? = original { structure = first }
    do {
      return try PyTorchOutput(weights, like: structure, unties: request.unties).layout(named: name)
    } catch let error as PyTorchError {
      throw CheckpointError(request.path, error)
    } catch let error as ZipError {
      throw CheckpointError(request.path, error)
    }
  }
}

extension PyTorchCheckpoint: ShardedFormat {
  static let shardNaming = ShardNaming(suffix: ".bin", usualStem: "pytorch_model")

  /// Opens a dictionary of tensors as a whole, because the index names all that is in it.
  static func openShard(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader {
    guard options.key == nil || options.key == ".", !options.usesAverage else {
      throw CheckpointError(
        .usage, path, "it is a shard, whose tensors an index names: no part of it can be chosen",
        hint: "leave \(options.usesAverage ? "--use-ema" : "--key") out")
    }
    return try open(path, ReadingOptions(key: ".", isStrict: options.isStrict))
  }

  static func layout(
    ofShards shards: [PlannedShard], _ weights: WeightMap, for request: OutputRequest
  ) throws -> OutputLayout {
    let parts = try shards.map { shard in
      let part = WeightMap(
        distinct: shard.positions.map { weights.tensors[$0] }, metadata: weights.metadata)
      return OutputLayout.Part(
        weights: part,
        layout: try layout(named: shard.name, of: part, like: shard.original, for: request))
    }
    var result = OutputLayout(parts: parts, texts: [])
    result.notices = parts.flatMap(\.layout.notices)
    return result
  }
}
