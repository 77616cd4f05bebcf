import FileIO
import JSONText
import SystemPackage
import TensorCore

/// Folders that hold a model: an index and shards, or one file, and the sidecar files of both.
enum CheckpointFolder {
  /// Configurations have some kilobytes.
  private static let maximumConfigSize = 16 << 20

  /// Opens the model in a folder, the one of an index when its name is given.
  static func open(
    _ folder: FilePath, index chosenIndex: String? = nil, options: ReadingOptions = ReadingOptions()
  ) throws -> CheckpointReader {
    let names = try Folder.names(in: folder)
    if chosenIndex == nil {
      if let model = try ComponentModel.open(folder, names: names, options) { return model }
      if !isModel(names), let parts = ProcessParts.find(in: folder, names: names) {
        throw parts.error(folder)
      }
      try checkForeign(folder, names)
    }
    return try openPlain(folder, names: names, index: chosenIndex, options: options)
  }

  /// Opens a folder with the weights of one model beside each other.
  ///
  /// - Parameter parts: the names of folders in it that are other parts of the model.
  static func openPlain(
    _ folder: FilePath, names: [String]? = nil, index chosenIndex: String? = nil,
    parts: Set<String> = [], options: ReadingOptions
  ) throws -> CheckpointReader {
    let names = try names ?? Folder.names(in: folder)
    var reader: CheckpointReader
    if let index = try chosenIndex ?? index(among: names, in: folder) {
      reader = try ShardedModel.open(index: folder.appending(index), folder: folder, options)
    } else if let index = kerasIndex(among: names) {
      reader = try KerasShards.open(index: folder.appending(index), folder: folder)
    } else if !names.contains(where: { usualNames.contains($0) }),
      let set = try ShardSet(among: names, in: folder)
    {
      reader = try ShardedModel.open(set, in: folder, options)
    } else {
      let file = folder.appending(try singleFile(among: names, in: folder))
      reader = try FormatDetection.open(file, options)
    }
    if chosenIndex == nil {
      reader.notices += notices(
        of: names.filter { !parts.contains($0) }, beside: reader, in: folder)
    }
    let isQuantized = try hasQuantizationConfig(folder, for: reader.weights)
    return reader.with(isQuantized ? reader.weights.quantized : reader.weights, in: folder)
  }

  /// What a user should know of: other models that programs would look for in the folder.
  private static func notices(
    of names: [String], beside reader: CheckpointReader, in folder: FilePath
  ) -> [String] {
    guard let chosen = reader.path.lastComponent?.string,
      reader.format is any ShardedFormat.Type
    else { return [] }
    let known = Set(reader.files.compactMap { $0.path.lastComponent?.string })
    let usual = CheckpointFormats.sharded.flatMap {
      [$0.shardNaming.usualIndexName, $0.shardNaming.usualName]
    }
    let others = usual.filter { $0 != chosen && !known.contains($0) && names.contains($0) }
    return others.map { "\(folder): '\($0)' lies beside '\(chosen)', which is used" }
      + unread(names, beside: known.union(others), in: folder).map { other in
        "\(folder): '\(other)' lies beside '\(chosen)' and is not read"
      }
  }

  /// Other files with weights, and folders with a model that is no checkpoint of a run.
  private static func unread(_ names: [String], beside known: Set<String>, in folder: FilePath)
    -> [String]
  {
    let isPart = { (name: String) in CheckpointFormats.isShard(name) || known.contains(name) }
    let files = checkpoints(among: names).filter { !isPart($0) }
    let folders = names.filter { name in
      !name.hasPrefix(".") && !name.contains("checkpoint") && !name.contains("step")
        && !name.contains("epoch") && FileStatus(of: folder.appending(name))?.kind == .folder
        && ((try? Folder.names(in: folder.appending(name))).map { isModel($0) } ?? false)
    }
    return files + folders
  }

  /// The names that programs give the one file of a model, the likeliest first.
  private static let usualNames =
    CheckpointFormats.sharded.map { $0.shardNaming.usualName }
    + [
      "adapter_model", "diffusion_pytorch_model", "pytorch_lora_weights", "open_clip_pytorch_model",
    ]
    .flatMap { [$0 + ".safetensors", $0 + ".bin"] } + ["model.weights.h5"]

  /// What training programs leave beside weights in files of the same kind.
  private static let otherNames: Set<String> = [
    "training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.bin", "scheduler.pt",
    "scaler.pt", "rng_state.pth",
  ]

  /// Whether the names in a folder are those of a model: an index, a file with a usual name, shards, or a list of the
  /// places where a model has its weights.
  static func isModel(_ names: [String], countingListings: Bool = true) -> Bool {
    names.contains {
      usualNames.contains($0) || CheckpointFormats.isIndex(FilePath($0))
        || CheckpointFormats.isShard($0)
    } || countingListings && FolderListing.isListed(names)
      || isConfigured(names) && checkpoints(among: names).count == 1
  }

  /// Whether a file has a name that programs give the one file of a model.
  static func isUsual(_ name: String) -> Bool { usualNames.contains(name) }

  /// Whether a configuration of a model is among the names.
  private static func isConfigured(_ names: [String]) -> Bool {
    names.contains("config.json") || names.contains("adapter_config.json")
  }

  /// The names of the checkpoint files among `names`.
  static func checkpoints(among names: [String]) -> [String] {
    names.filter { name in
      !name.hasPrefix(".") && !otherNames.contains(name) && !name.hasPrefix("rng_state_")
        && CheckpointFormats.all.contains { $0.suffixes.contains { name.hasSuffix($0) } }
    }
  }

  /// The names of the files in a folder that are replaced when a model is written there: those of the model that
  /// the folder holds, in all formats that it holds it in, and those that would be mixed up with the new one.
  static func modelFiles(in folder: FilePath, replacedBy request: OutputRequest) throws -> Set<
    String
  > {
    let names = try Folder.names(in: folder)
    let format = try request.chosenFormat() as? any ShardedFormat.Type
    let naming = (format ?? SafetensorsCheckpoint.self).shardNaming
    let stem = naming.stem(for: request)
    var files = Set(names.filter { naming.isPart($0, ofModel: stem) })
    files.formUnion(usualNames.filter { names.contains($0) })
    files.formUnion(ComponentModel.files(in: folder, names: names))
    let indexes = CheckpointFormats.sharded.compactMap { format in
      (try? index(of: format, among: names, in: folder)).map { ($0, format.shardNaming) }
    }
    for (index, naming) in indexes {
      files.insert(index)
      files.formUnion((try? ShardIndex(reading: folder.appending(index), naming))?.shards ?? [])
    }
    if !indexes.isEmpty { return files }
    if let index = kerasIndex(among: names) {
      files.insert(index)
      files.formUnion(KerasShards.files(of: folder.appending(index)))
    } else if let file = try? singleFile(among: names, in: folder) {
      files.insert(file)
    }
    return files
  }

  /// The index of the model in a folder; nil when that is one file.
  ///
  /// As in transformers, safetensors are preferred.
  private static func index(among names: [String], in folder: FilePath) throws -> String? {
    for format in CheckpointFormats.sharded {
      if let index = try index(of: format, among: names, in: folder) { return index }
      if names.contains(format.shardNaming.usualName) { return nil }
    }
    return nil
  }

  private static func index(
    of format: any ShardedFormat.Type, among names: [String], in folder: FilePath
  ) throws -> String? {
    let indexes = names.filter { $0.hasSuffix(format.shardNaming.indexSuffix) }
    let usual = format.shardNaming.usualIndexName
    if indexes.contains(usual) { return usual }
    guard indexes.count <= 1 else {
      throw CheckpointError(
        .badInput, folder, "it holds \(indexes.count) indexes: " + indexes.joined(separator: ", "),
        hint: "name the one that is meant, for example '\(folder.appending(indexes[0]))'")
    }
    return indexes.first
  }

  /// The index of a folder with weights of Keras in several files.
  private static func kerasIndex(among names: [String]) -> String? {
    let indexes = names.filter { $0.hasSuffix(KerasShards.indexSuffix) }
    return indexes.count == 1 ? indexes[0] : nil
  }

  /// Refuses a folder of another program by its name.
  static func checkForeign(_ folder: FilePath, _ names: [String]) throws {
    guard !isModel(names), let foreign = ForeignFormat.ofFolder(names) else { return }
    throw CheckpointError(
      .badInput, folder, "it is \(foreign.name), which is not read", hint: foreign.hint)
  }

  private static func singleFile(among names: [String], in folder: FilePath) throws -> String {
    if let name = usualNames.first(where: { names.contains($0) }) { return name }
    let files = checkpoints(among: names)
    guard let file = files.first else {
      throw CheckpointError(
        .badInput, folder, "there is no checkpoint in this folder",
        hint: "looked for: "
          + CheckpointFormats.all.flatMap { $0.suffixes }.map { "*" + $0 }.joined(separator: ", "))
    }
    guard files.count == 1 else {
      throw CheckpointError(
        .badInput, folder, "it holds \(files.count) checkpoints and no index",
        hint: "name the files that are meant, for example '\(folder.appending(file))'")
    }
    return file
  }

  /// Whether the `config.json` beside weights says that they are codes of a quantisation.
  ///
  /// It is only asked where there are tensors that could be codes.
  ///
  /// - Throws: `CheckpointError` when it cannot be read: what it would say decides what may be averaged.
  static func hasQuantizationConfig(_ folder: FilePath, for weights: WeightMap) throws -> Bool {
    let path = folder.appending("config.json")
    guard FileStatus(of: path)?.kind == .file, weights.tensors.contains(where: \.couldBeCodes)
    else {
      return false
    }
    let file = try ReadableFile(path)
    guard file.size <= maximumConfigSize else {
      throw CheckpointError(
        .badInput, path, "a configuration of \(file.size) bytes is too large to be one")
    }
    do {
      return try hasQuantization(try file.bytes(in: 0..<file.size))
    } catch let error as JSONError {
      throw CheckpointError(
        .badInput, path, "it is damaged: \(error)",
        hint: "it tells whether the weights are quantised: get it again, or take it away")
    }
  }

  private static func hasQuantization(_ bytes: [UInt8]) throws(JSONError) -> Bool {
    var scanner = try JSONScanner(bytes)
    guard scanner.accept("{") else { return false }
    var found = false
    var isFirst = true
    while let key = try scanner.nextKey(&isFirst) {
      if key == "quantization_config", scanner.next != UInt8(ascii: "n") { found = true }
      try scanner.skipValue()
    }
    return found
  }
}

extension Tensor {
  /// Whether the dtype is one that quantised weights are stored in; counters have one element.
  fileprivate var couldBeCodes: Bool {
    switch info.dtype {
    case .float8E4M3, .float8E5M2: true
    default: info.dtype.kind == .integer && info.shape.elementCount > 1
    }
  }
}
