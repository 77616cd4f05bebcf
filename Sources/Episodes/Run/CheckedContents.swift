import Checkpoints
import FileIO
import Synchronization
import SystemPackage

/// Sees to it that files of a run are what the journal says they are, whenever they are used.
final class CheckedContents: Sendable {
  private struct Known: Hashable {
    let version: String
    let sha256: String
  }
  private let known = Mutex<[FilePath: Known]>([:])

  /// Notes what is in a file that was just written.
  func note(_ path: FilePath, _ digest: OutputDigest) {
    known.withLock { $0[path] = Known(version: digest.version, sha256: digest.sha256) }
  }

  /// Checks a file, or a folder, of which the journal says what is in it.
  ///
  /// It is read only when the file system says that it was touched since its contents were known.
  ///
  /// - Parameter version: what the file system said when it had these contents; nil when that is not known.
  /// - Throws: `RunError` when it is missing or something else, `FileError`.
  func check(_ path: FilePath, sha256: String, version: String? = nil) throws {
    guard let found = OutputDigest.version(of: path) else { throw RunError.gone(path) }
    let isKnown = known.withLock { $0[path] } == Known(version: found, sha256: sha256)
    if isKnown || found == version { return }
    let digest = try OutputDigest(of: path)
    guard digest.sha256 == sha256 else {
      throw RunError.changed(path, expected: sha256, found: digest.sha256)
    }
    note(path, digest)
  }

  /// Checks that what was read of a checkpoint is what the journal says.
  ///
  /// - Throws: `RunError` when it is something else, `FileError`.
  static func check(asRead reader: CheckpointReader, sha256 expected: String) throws {
    let found = try OutputDigest.asRead(reader)
    guard found == expected else {
      throw RunError.changed(reader.folder ?? reader.path, expected: expected, found: found)
    }
  }
}

extension OutputDigest {
  /// The SHA-256 of a checkpoint whose reads are observed, as `init(of:)` computes it.
  fileprivate static func asRead(_ reader: CheckpointReader) throws -> String {
    guard let folder = reader.folder else {
      guard let file = reader.files.first, reader.files.count == 1 else {
        return try OutputDigest(of: reader.path).sha256
      }
      return try file.sha256AsRead()
    }
    let files = Dictionary(
      reader.files.map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
    return try OutputDigest.sha256(ofFolder: folder) { path in
      guard let identity = FileStatus(of: path)?.identity, let file = files[identity] else {
        return nil
      }
      return (file.size, try file.sha256AsRead())
    }
  }
}
