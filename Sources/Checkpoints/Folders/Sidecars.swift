import FileIO
import JSONText
import SystemPackage
import TensorCore

/// The small files that make a folder usable beside its weights: configuration, tokenizer, templates, code of the
/// architecture, licence.
///
/// Metrics, training state and model cards describe the model they lie beside, not what is made of it.
struct Sidecars {
  /// One of the files.
  struct File {
    /// The name in the folder.
    let name: String
    /// Where it lies in the first input.
    let path: FilePath
    /// What is written instead of its contents; nil for a copy.
    var text: [UInt8]?

    var size: Int { text?.count ?? FileStatus(of: path)?.size ?? 0 }
  }

  private(set) var files: [File]
  /// What a user should know: what was changed in them.
  private(set) var notices: [String] = []

  /// Configurations have some kilobytes.
  static let maximumConfigSize = 16 << 20

  private static let patterns = [
    "config.json", "*_config.json", "config_*.json", "metadata.json", "tokenizer.json",
    "tokenizer.model", "tokenizer.model.*", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "vocab.txt", "vocab.bpe", "encoder.json", "merges.txt", "spiece.model",
    "sentencepiece*.model", "source.spm", "target.spm", "*.tiktoken", "tekken.json", "*.jinja",
    "chat_template.json", "modules.json", "model_index.json", "params.json", "preprocessor.json",
    "task.json",
    "image_converter.json", "audio_converter.json", "*.py", "LICENSE*", "LICENCE*", "NOTICE*",
    "USE_POLICY*",
  ].map { Glob($0) }

  /// What belongs to an output that is like the first input.
  ///
  /// - Throws: `FileError`; `CheckpointError` for a configuration that should be changed and cannot be read.
  init(for request: OutputRequest) throws {
    files = []
    guard let folder = request.sidecarFolder else { return }
    if case .components(let model)? = request.arrangement {
      files = try Sidecars.files(in: folder, of: model)
    } else {
      files = try Sidecars.files(in: folder)
    }
    guard let dtype = request.outputDType else { return }
    for index in files.indices where files[index].path.lastComponent?.string == "config.json" {
      try tell(dtype, inFileAt: index)
    }
  }

  /// The sidecar files in a folder.
  static func files(in folder: FilePath) throws -> [File] {
    try Folder.names(in: folder).compactMap { name in
      let path = folder.appending(name)
      guard FileStatus(of: path)?.kind == .file, patterns.contains(where: { $0.matches(name) })
      else { return nil }
      return File(name: name, path: path)
    }
  }

  /// The sidecar files of a model in several places, in its folder and in those that belong to it.
  static func files(in folder: FilePath, of model: ComponentModel) throws -> [File] {
    try files(in: folder) + (try model.folders.flatMap { try files(in: folder, component: $0) })
  }

  /// The files in a folder of a model in several: all that are no weights and no text for people.
  private static func files(in folder: FilePath, component path: String) throws -> [File] {
    let place = folder.appending(path)
    let names = try Folder.names(in: place)
    let weights = Set(CheckpointFolder.checkpoints(among: names))
    return names.filter { name in
      !name.hasPrefix(".") && !weights.contains(name) && !isLeftOut(name)
        && FileStatus(of: place.appending(name))?.kind == .file
    }.map { File(name: path + "/" + $0, path: place.appending($0)) }
  }

  /// Weights of other programs would be those of the first input, and model cards tell of it.
  private static func isLeftOut(_ name: String) -> Bool {
    [".onnx", ".onnx_data", ".msgpack", ".ot", ".tflite", ".gguf", ".pb", ".index.json", ".md"]
      .contains { name.hasSuffix($0) }
  }

  private mutating func tell(_ dtype: DType, inFileAt index: Int) throws {
    let path = files[index].path
    let bytes = try SmallFile.read(path, maximumSize: Sidecars.maximumConfigSize) ?? []
    let change: ConfiguredDType
    do {
      change = try ConfiguredDType(in: bytes, replacedBy: dtype)
    } catch {
      throw CheckpointError(
        .badInput, path, "it is damaged: \(error)",
        hint: "it tells the dtype, which --out-dtype changes: get it again, or take it away")
    }
    guard change.text != bytes else { return }
    files[index].text = change.text
    notices.append(
      "\(files[index].name): the dtype is \(change.name) now, it was "
        + change.before.joined(separator: " and "))
  }
}
