import Checkpoints
import FileIO
import SystemPackage
import ToolSupport

extension Tool {
  /// Opens a checkpoint and passes on what a user should know of it.
  func open(_ path: String) throws -> CheckpointReader {
    let reader = try CheckpointReader(opening: FilePath(path))
    for text in reader.notices { notice(text) }
    return reader
  }

  /// Does work that takes a while, with a line that tells how far it is.
  func working<Result>(
    _ options: WorkOptions, _ body: (StreamOptions) throws -> Result
  ) throws -> Result {
    let progress = ProgressLine(talk: options.talk)
    defer { progress.finish() }
    return try body(options.streamOptions(progress: progress))
  }
}
