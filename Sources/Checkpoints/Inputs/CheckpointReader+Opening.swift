public import SystemPackage
import TensorCore

extension CheckpointReader {
  /// Opens several checkpoints at once.
  ///
  /// - Throws: the error of the first that cannot be opened.
  public static func open(_ paths: [FilePath], options: ReadingOptions = ReadingOptions()) throws
    -> [CheckpointReader]
  {
    try concurrentMap(paths) { try CheckpointReader(opening: $0, options: options) }
  }
}
