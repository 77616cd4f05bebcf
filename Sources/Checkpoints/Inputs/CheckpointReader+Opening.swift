public import SystemPackage
import TensorCore

extension CheckpointReader {
  /// Opens several checkpoints at once.
  ///
  /// - Throws: the error of the first that cannot be opened.
  public static func open(_ paths: [FilePath], options: ReadingOptions = ReadingOptions()) throws
    -> [CheckpointReader]
  {
    var others = options
    others.givesStructure = false
    let jobs = paths.enumerated().map { number, path in (path, number == 0 ? options : others) }
    return try concurrentMap(jobs) { path, options in
      try CheckpointReader(opening: path, options: options)
    }
  }
}
