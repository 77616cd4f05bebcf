import Checkpoints
import FileIO
import SystemPackage
import ToolSupport

extension Tool {
  /// Opens checkpoints and passes on what a user should know of them.
  ///
  /// - Parameter givesStructure: whether an output may be made like the first.
  func open(_ paths: [String], _ options: InputOptions, givesStructure: Bool = false) throws
    -> [CheckpointReader]
  {
    let readers = try options.open(
      paths.map { FilePath($0) }, givesStructure: givesStructure)
    for reader in readers {
      for text in reader.notices { notice(text) }
      notices(reader.unknownContents.count) { index in
        "\(reader.path): \(reader.unknownContents[index]) is of a class that is not understood: left out"
      }
    }
    return readers
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
