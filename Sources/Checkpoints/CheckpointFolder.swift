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
    var notices: [String] = []
    var reader: CheckpointReader
    if let index = try chosenIndex ?? index(among: names, in: folder) {
      reader = try ShardedSafetensors.open(index: folder.appending(index), folder: folder)
      if names.contains("model.safetensors"),
        !reader.files.contains(where: {
          $0.path.lastComponent?.string == "model.safetensors"
        })
      {
        notices.append("\(folder): 'model.safetensors' lies beside '\(index)'; the index is used")
      }
    } else if let index = kerasIndex(among: names) {
      reader = try KerasShards.open(index: folder.appending(index), folder: folder)
    } else {
      let file = folder.appending(try singleFile(among: names, in: folder))
      reader = try FormatDetection.open(file, options)
    }
    reader.notices += notices
    let isQuantized = try hasQuantizationConfig(folder, for: reader.weights)
    return reader.with(isQuantized ? reader.weights.quantized : reader.weights, in: folder)
  }

  /// The names that most programs give the one file of a model, the likeliest first.
  private static let usualNames = ["model.safetensors", "pytorch_model.bin"]

  /// What training programs leave beside weights in files of the same kind.
  private static let otherNames: Set<String> = [
    "training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.bin", "scheduler.pt",
    "scaler.pt", "rng_state.pth",
  ]

  /// Whether the names in a folder are those of a model: an index, or a file with the usual name.
  static func isModel(_ names: [String]) -> Bool {
    names.contains {
      usualNames.contains($0) || $0.hasSuffix(ShardedSafetensors.indexSuffix)
        || $0.hasSuffix(KerasShards.indexSuffix)
    }
  }

  /// The names of the checkpoint files among `names`.
  static func checkpoints(among names: [String]) -> [String] {
    names.filter { name in
      !name.hasPrefix(".") && !otherNames.contains(name) && !name.hasPrefix("rng_state_")
        && CheckpointFormats.all.contains { $0.suffixes.contains { name.hasSuffix($0) } }
    }
  }

  /// The names of the files in a folder that are replaced when a model with this stem is written there: those
  /// of the model that the folder holds, and those that would be mixed up with the new one.
  static func modelFiles(in folder: FilePath, writing stem: String) throws -> Set<String> {
    let names = try Folder.names(in: folder)
    var files = Set(names.filter { ShardedSafetensors.isPart($0, ofModel: stem) })
    if let index = try? index(among: names, in: folder) {
      files.insert(index)
      files.formUnion(ShardedSafetensors.shards(of: folder.appending(index)))
    } else if let index = kerasIndex(among: names) {
      files.insert(index)
      files.formUnion(KerasShards.files(of: folder.appending(index)))
    } else if let file = try? singleFile(among: names, in: folder) {
      files.insert(file)
    }
    return files
  }

  private static func index(among names: [String], in folder: FilePath) throws -> String? {
    let indexes = names.filter { $0.hasSuffix(ShardedSafetensors.indexSuffix) }
    let usual = "model" + ShardedSafetensors.indexSuffix
    if indexes.contains(usual) { return usual }
    guard indexes.count <= 1 else {
      throw CheckpointError(
        .badInput, folder, "it holds \(indexes.count) indexes: " + indexes.joined(separator: ", "),
        hint: "name the index that is meant")
    }
    return indexes.first
  }

  /// The index of a folder with weights of Keras in several files.
  private static func kerasIndex(among names: [String]) -> String? {
    let indexes = names.filter { $0.hasSuffix(KerasShards.indexSuffix) }
    return indexes.count == 1 ? indexes[0] : nil
  }

  private static func singleFile(among names: [String], in folder: FilePath) throws -> String {
    if let name = usualNames.first(where: { names.contains($0) }) { return name }
    if names.contains("pytorch_model.bin.index.json") {
      throw CheckpointError(
        .badInput, folder, "it holds a model of PyTorch in several files, which are not read",
        hint: "save it as safetensors: model.save_pretrained(folder)")
    }
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

  /// The names of files that make a folder usable beside its weights: configuration, tokenizer, templates,
  /// code of the architecture, licence.
  ///
  /// Metrics, training state and model cards describe the model they lie beside, not what is made of it.
  private static let sidecarPatterns = [
    "config.json", "*_config.json", "metadata.json", "tokenizer.json", "tokenizer.model",
    "tokenizer.model.*",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt",
    "spiece.model", "sentencepiece*.model", "*.tiktoken", "tekken.json", "*.jinja",
    "chat_template.json", "modules.json", "*.py", "LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*",
  ].map { Glob($0) }

  /// The sidecar files in a folder.
  static func sidecars(in folder: FilePath) throws -> [String] {
    try Folder.names(in: folder).filter { name in
      FileStatus(of: folder.appending(name))?.kind == .file
        && sidecarPatterns.contains { $0.matches(name) }
    }
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
