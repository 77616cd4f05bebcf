import Glibc
public import SystemPackage

/// A file without a name, for what does not fit in memory; it is gone when the last reference is.
public enum ScratchFile {
  /// The folder for temporary files.
  public static var folder: FilePath {
    FilePath(CurrentProcess.environmentValue("TMPDIR") ?? "/tmp")
  }

  /// Makes a file in the folder for temporary files.
  ///
  /// - Parameters:
  ///   - size: how many bytes it will have.
  ///   - label: what to call it in messages.
  ///   - fill: writes the contents.
  /// - Throws: `FileError` when the disk is too full, and what `fill` throws.
  public static func make(
    size: Int, label: String, fill: (WritableFile) throws -> Void
  ) throws -> ReadableFile {
    let name = "imwa-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let path = folder.appending(name)
    let file = try WritableFile(creating: path, size: size, durability: .none)
    // Whatever ends the process, nothing is left behind.
    unlink(path)
    try fill(file)
    return try file.reopened(label: label)
  }
}
