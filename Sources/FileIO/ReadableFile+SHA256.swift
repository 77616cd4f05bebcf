import TensorCore

extension ReadableFile {
  /// The SHA-256 digest of the contents, in hexadecimal digits.
  ///
  /// - Parameter isCancelled: asked between blocks; nil is returned once it says so.
  /// - Throws: `FileError`.
  public func sha256(unless isCancelled: () -> Bool = { false }) throws(FileError) -> String? {
    var digest = SHA256()
    let blockSize = 1 << 20
    for start in stride(from: 0, to: size, by: blockSize) {
      if isCancelled() { return nil }
      digest.update(try bytes(in: start..<min(start + blockSize, size)))
    }
    return digest.finalized()
  }
}
