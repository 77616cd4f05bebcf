package import Checkpoints
import FileIO
import SystemPackage
import TensorCore

extension OutputOptions {
  /// Decides between a file and a folder, and what a folder takes over from the first input.
  ///
  /// - Parameter format: the format that is asked for; nil for the one that the name tells.
  /// - Throws: `OutputError`.
  package func request(
    like first: CheckpointReader, format: (any CheckpointFormat.Type)? = nil
  ) throws -> OutputRequest {
    let path = FilePath(output)
    let isNamedAsFile = CheckpointFormats.format(forOutput: path) != nil
    let isFile = format != nil || isNamedAsFile
    let isFolder =
      output.hasSuffix("/") || FileStatus(of: path)?.kind == .folder
      || maxShardSize != nil || (first.folder != nil && !isFile)
    if isFolder && isNamedAsFile && FileStatus(of: path)?.kind != .folder {
      throw OutputError.folderNamedAsFile(path)
    }
    var request = OutputRequest(
      path: path, form: isFolder ? .folder : .file, existing: force ? .replace : .refuse,
      durability: durability)
    request.format = format
    request.maximumShardSize = maxShardSize?.count
    request.arrangement = first.arrangement
    request.compressionLevel = compress
    if isFolder {
      request.sidecarFolder = first.folder
    }
    return request
  }
}

/// An output that cannot be made as asked.
struct OutputError: DiagnosedError {
  let kind: FailureKind
  let description: String
  let hint: String?

  static func folderNamedAsFile(_ path: FilePath) -> OutputError {
    OutputError(
      kind: .usage, description: "\(path) is named like a file, but shards need a folder",
      hint: "name a folder: -o \(path.removingLastComponent().appending(path.stem ?? "model"))/")
  }
}
