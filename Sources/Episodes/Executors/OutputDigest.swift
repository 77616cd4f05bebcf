import FileIO
import SystemPackage

/// Size and SHA-256 of a file, or of the names and contents of all files in a folder.
struct OutputDigest: Sendable, Hashable {
  let size: Int
  let sha256: String
  /// What the file system said of it when it had these contents.
  let version: String

  /// Reads all of it.
  ///
  /// - Parameter isCancelled: asked between blocks; nil is the result once it says so.
  /// - Throws: `FileError`, also when it is written to meanwhile.
  init?(of path: FilePath, unless isCancelled: () -> Bool) throws(FileError) {
    guard FileStatus(of: path)?.kind == .folder else {
      let before = FileStatus(of: path)?.versionText
      let file = try ReadableFile(path)
      size = file.size
      guard let digest = try file.sha256(unless: isCancelled) else { return nil }
      sha256 = digest
      try file.checkUnchanged()
      version = before ?? ""
      return
    }
    var (contents, versions) = (SHA256(), SHA256())
    var size = 0
    for component in try Folder.components(in: path) {
      guard let inner = try OutputDigest(of: path.appending(component), unless: isCancelled) else {
        return nil
      }
      size += inner.size
      contents.update(Array("\(component.string)\0\(inner.size)\0\(inner.sha256)\n".utf8))
      versions.update(Array("\(component.string)\0\(inner.version)\n".utf8))
    }
    self.size = size
    sha256 = contents.finalized()
    version = versions.finalized()
  }

  /// Reads all of it to its end.
  ///
  /// - Throws: `FileError`.
  init(of path: FilePath) throws(FileError) {
    guard let digest = try OutputDigest(of: path, unless: { false }) else {
      preconditionFailure("nothing ends it")
    }
    self = digest
  }

  /// The SHA-256 of a folder, some of whose files have been read.
  ///
  /// - Parameter known: size and SHA-256 of a file; nil for one that is to be read.
  static func sha256(
    ofFolder path: FilePath, known: (FilePath) throws -> (size: Int, sha256: String)?
  ) throws -> String {
    var contents = SHA256()
    for component in try Folder.components(in: path) {
      let inner = path.appending(component)
      let (size, sha256): (Int, String)
      if let found = try known(inner) {
        (size, sha256) = found
      } else {
        let digest = try OutputDigest(of: inner)
        (size, sha256) = (digest.size, digest.sha256)
      }
      contents.update(Array("\(component.string)\0\(size)\0\(sha256)\n".utf8))
    }
    return contents.finalized()
  }

  /// What the file system says of a file, or of all files in a folder; nil when there is none.
  static func version(of path: FilePath) -> String? {
    guard let status = FileStatus(of: path) else { return nil }
    guard status.kind == .folder else { return status.versionText }
    var versions = SHA256()
    for component in (try? Folder.components(in: path)) ?? [] {
      let inner = version(of: path.appending(component)) ?? ""
      versions.update(Array("\(component.string)\0\(inner)\n".utf8))
    }
    return versions.finalized()
  }
}
