import FileIO
import JSONText
import SystemPackage
import TensorCore

/// What a folder says of a model whose weights are in several places of it.
///
/// The kinds are those of sentence-transformers (`modules.json`), diffusers (`model_index.json`), presets of KerasHub
/// and the parts that Meta's and Megatron's tensor-parallel programs write.
struct FolderListing {
  /// The names of folders in it that belong to the model, with weights or without.
  var folders: [String] = []
  /// The names of files beside each other that are parts of the model; empty where there is one model at most.
  var files: [String] = []

  /// The names of a preset's files with weights: of the backbone, and of what a task adds.
  private static let presetWeights = ["model.weights.h5", "task.weights.h5"]
  private static let markers = ["modules.json", "model_index.json"]

  /// Whether the names in a folder are those of such a model.
  static func isListed(_ names: [String]) -> Bool {
    markers.contains { names.contains($0) } || names.contains(presetWeights[0])
      || tensorParallelParts(among: names).count > 1
  }

  /// What a folder lists; nil when it holds a plain model, or none.
  ///
  /// - Throws: `CheckpointError` for a list that cannot be read, `FileError`.
  init?(of folder: FilePath, names: [String]) throws {
    guard FolderListing.isListed(names) else { return nil }
    if names.contains("modules.json") {
      let modules = try FolderListing.json(folder.appending("modules.json"))
      if case .array(let list)? = modules { folders = list.compactMap { $0["path"]?.string } }
      let router = try FolderListing.json(folder.appending("router_config.json"))
      if case .object(let types)? = router?["types"] { folders += types.map(\.key) }
    } else if names.contains("model_index.json") {
      let parts = try FolderListing.json(folder.appending("model_index.json"))
      if case .object(let members)? = parts { folders = members.map(\.key) }
    } else if names.contains(FolderListing.presetWeights[0]) {
      files = FolderListing.presetWeights.filter { names.contains($0) }
      folders = ["assets"]
    } else {
      files = FolderListing.tensorParallelParts(among: names)
    }
    var known: Set<String> = []
    // Names from files are never paths: only what lies in the folder itself counts.
    folders = folders.map { $0.last == "/" ? String($0.dropLast()) : $0 }.filter { name in
      names.contains(name) && !name.hasPrefix(".") && known.insert(name).inserted
        && FileStatus(ofLink: folder.appending(name))?.kind == .folder
    }
    if files.count == 1 { files = [] }
  }

  /// Files that hold slices of the same tensors: `consolidated.00.pth`, `mp_rank_00_model_states.pt`, `model.tp0`.
  static func tensorParallelParts(among names: [String]) -> [String] {
    let patterns = [
      "consolidated.[0-9][0-9].pth", "mp_rank_[0-9][0-9]_model_states.pt",
      "model_part-[0-9].pt", "*-model_part-[0-9].pt", "*.tp[0-9].pt", "*.tp[0-9].safetensors",
    ].map { Glob($0) }
    return patterns.lazy.map { pattern in names.filter { pattern.matches($0) }.sorted() }
      .first { $0.count > 1 } ?? []
  }

  /// A small file of JSON; nil when there is none.
  private static func json(_ path: FilePath) throws -> JSONValue? {
    guard let bytes = try SmallFile.read(path, maximumSize: Sidecars.maximumConfigSize) else {
      return nil
    }
    do {
      return try JSONValue(parsing: bytes, acceptsPythonNumbers: true)
    } catch {
      throw CheckpointError(
        .badInput, path, "it is damaged: \(error)",
        hint: "it lists the parts of the model: get it again")
    }
  }
}
