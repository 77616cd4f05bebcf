package import Checkpoints
import FileIO
import SystemPackage
import TensorCore

extension OutputOptions {
  /// Decides between a file and a folder, and what the output takes over from the first input.
  ///
  /// - Throws: `OutputError`.
  package func request(like first: CheckpointReader) throws -> OutputRequest {
    var path = FilePath(output)
    let index = CheckpointFormats.isIndex(path) ? path.lastComponent?.string : nil
    if index != nil { path = Folder.absolute(path).removingLastComponent() }
    let isNamedAsFile = index == nil && CheckpointFormats.isNamedAsFile(path, after: first.format)
    let isFile = format != nil || isNamedAsFile
    let isFolder =
      index != nil || output.hasSuffix("/") || FileStatus(of: path)?.kind == .folder
      || maxShardSize != nil || (first.folder != nil && !isFile)
    if isFolder && isNamedAsFile && FileStatus(of: path)?.kind != .folder {
      throw OutputError.folderNamedAsFile(path)
    }
    var request = OutputRequest(
      path: path, form: isFolder ? .folder : .file, existing: force ? .replace : .refuse,
      durability: durability)
    request.take(from: first)
    request.format = format?.format
    request.indexName = index
    request.maximumShardSize = maxShardSize?.count
    request.compressionLevel = compress
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
