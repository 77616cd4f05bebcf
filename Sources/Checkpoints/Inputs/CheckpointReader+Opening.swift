import Dispatch
import Synchronization
public import SystemPackage

extension CheckpointReader {
  /// Opens several checkpoints at once.
  ///
  /// - Throws: the error of the first that cannot be opened.
  public static func open(_ paths: [FilePath], options: ReadingOptions = ReadingOptions()) throws
    -> [CheckpointReader]
  {
    if paths.count == 1 { return [try CheckpointReader(opening: paths[0], options: options)] }
    let results = Mutex<[Int: Result<CheckpointReader, any Error>]>([:])
    DispatchQueue.concurrentPerform(iterations: paths.count) { index in
      let result = Result { try CheckpointReader(opening: paths[index], options: options) }
      results.withLock { $0[index] = result }
    }
    let opened = results.withLock { $0 }
    return try paths.indices.map { index in
      guard let result = opened[index] else { preconditionFailure("every path was tried") }
      return try result.get()
    }
  }
}
