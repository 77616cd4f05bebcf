import FileIO
import SystemPackage
import TensorCore

/// Files that several processes wrote of one model, each its part: they cannot be read as a model, and none of them is
/// one.
struct ProcessParts {
  /// What they are: `a sharded checkpoint of DeepSpeed ZeRO`.
  let description: String
  /// What makes one file of them, as a command.
  let hint: String

  /// What the names in a folder are parts of; nil when they are none.
  static func find(in folder: FilePath, names: [String]) -> ProcessParts? {
    if names.contains(where: { $0.hasSuffix(".distcp") }) {
      return distributed(folder, isMegatron: names.contains("common.pt"))
    }
    if let checkpoint = zeroCheckpoint(folder, names) { return zero(checkpoint) }
    if let first = megatronFolder(folder, names) {
      return ProcessParts(
        description: "a checkpoint of Megatron, whose weights are in parts for its processes",
        hint:
          "make one model of them with Megatron's tools/checkpoint/convert.py; or average each part "
          + "with its namesake of the other models, beginning with '\(first)'")
    }
    guard let ranks = rankFiles(names) else { return nil }
    let paths = ranks.prefix(2).map { "'\(folder.appending($0))'" }.joined(separator: " ")
    return ProcessParts(
      description:
        "\(ranks.count) files of processes ('\(ranks[0])' …), which may be parts of one model",
      hint: "if each is a whole model, name the files: \(paths) …")
  }

  private static func distributed(_ folder: FilePath, isMegatron: Bool) -> ProcessParts {
    let owner = isMegatron ? " of Megatron" : ""
    return ProcessParts(
      description:
        "a distributed checkpoint (torch.distributed.checkpoint\(owner)), whose weights are in "
        + "parts for its processes",
      hint: "make one file of it: python -m torch.distributed.checkpoint.format_utils dcp_to_torch "
        + "'\(folder)' '\(folder).pt'")
  }

  private static func zero(_ checkpoint: FilePath) -> ProcessParts {
    let script = checkpoint.appending("zero_to_fp32.py")
    let program =
      FileStatus(of: script)?.kind == .file ? "'\(script)'" : "-m deepspeed.utils.zero_to_fp32"
    return ProcessParts(
      description: "a checkpoint of DeepSpeed ZeRO, whose weights are in parts for its processes",
      hint: "make one model of them: python \(program) '\(checkpoint)' '\(checkpoint)-fp32'")
  }

  /// The folder that DeepSpeed's script is given, for that folder or the one of a step in it; nil when it is none.
  private static func zeroCheckpoint(_ folder: FilePath, _ names: [String]) -> FilePath? {
    if names.contains(where: { isZeroPart($0) }) {
      let parent = folder.folder
      let isInside = FileStatus(of: parent.appending("latest"))?.kind == .file
      return isInside ? parent : folder
    }
    let steps = names.filter { FileStatus(of: folder.appending($0))?.kind == .folder }
    let isZero = steps.contains { step in
      ((try? Folder.names(in: folder.appending(step))) ?? []).contains { isZeroPart($0) }
    }
    return isZero && names.contains("latest") ? folder : nil
  }

  /// `zero_pp_rank_0_mp_rank_00_optim_states.pt`, `bf16_zero_pp_rank_0_…`.
  static func isZeroPart(_ name: String) -> Bool {
    name.hasSuffix("_states.pt")
      && (name.hasPrefix("zero_pp_rank_") || name.hasPrefix("bf16_zero_pp_rank_"))
  }

  /// A file in the first of several folders `mp_rank_00`, `mp_rank_01_000`.
  private static func megatronFolder(_ folder: FilePath, _ names: [String]) -> FilePath? {
    let ranks = names.filter { $0.hasPrefix("mp_rank_") }
      .filter { FileStatus(of: folder.appending($0))?.kind == .folder }.sorted()
    guard ranks.count > 1, let first = ranks.first else { return nil }
    let place = folder.appending(first)
    let files = (try? Folder.names(in: place)).map { CheckpointFolder.checkpoints(among: $0) } ?? []
    return files.first.map { place.appending($0) }
  }

  /// `model_rank_0.pt`, `rank0.pt`, `checkpoint-shard0.pt`: the same name but for the number of a process.
  private static func rankFiles(_ names: [String]) -> [String]? {
    let patterns = ["*rank_[0-9]*", "*rank[0-9]*", "*rank-[0-9]*", "*-shard[0-9]*"].map { Glob($0) }
    let files = CheckpointFolder.checkpoints(among: names)
    let found = files.filter { name in patterns.contains { $0.matches(name) } }
    return found.count > 1 && found.count == files.count ? found : nil
  }

  /// Checks that files named one by one are not parts of one model, which would be averaged with each other.
  ///
  /// - Throws: `CheckpointError`.
  static func check(_ paths: [FilePath]) throws {
    var names: [FilePath: [String]] = [:]
    for path in paths where FileStatus(of: path)?.kind == .file {
      names[path.folder, default: []].append(path.lastComponent?.string ?? "")
    }
    for (folder, names) in names where names.count > 1 {
      let parts = FolderListing.tensorParallelParts(among: names)
      let shards = names.filter { CheckpointFormats.isShard($0) }
      let zero = names.filter { isZeroPart($0) }
      guard let found = [parts, shards, zero].first(where: { $0.count > 1 }) else { continue }
      throw CheckpointError(
        .badInput, folder, "'\(found[0])' and '\(found[1])' are parts of one model",
        hint: "name the folder: it stands for the model")
    }
  }

  /// The error that a folder of such files is.
  func error(_ folder: FilePath) -> CheckpointError {
    CheckpointError(.badInput, folder, "it is \(description)", hint: hint)
  }
}
