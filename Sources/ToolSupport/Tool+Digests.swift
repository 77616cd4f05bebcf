package import Checkpoints
import FileIO
import SystemPackage
package import TensorCore

extension Tool {
  /// The SHA-256 digests of the files of a checkpoint, by name.
  ///
  /// - Throws: `FileError`, and an interruption.
  package func digests(of reader: CheckpointReader) throws -> [(file: String, sha256: String)] {
    try reader.files.map { file in
      guard let digest = try file.sha256(unless: { Signals.noted != nil }) else {
        throw Interruption()
      }
      return (file.path.lastComponent?.string ?? file.path.string, digest)
    }
  }
}

/// Work that was interrupted before anything was written.
package struct Interruption: DiagnosedError {
  /// The signal that was noted.
  package let kind = FailureKind.interrupted(signal: Signals.noted ?? 2)
  /// The sentence.
  package let description = "interrupted"
  /// There is nothing to be done.
  package let hint: String? = nil

  /// Takes the signal that was noted.
  package init() {}
}
