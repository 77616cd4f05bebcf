import Checkpoints
import FileIO
import SystemPackage

/// The ends of checkpoints' names, which tell their format; Keras refuses any but its own.
enum CheckpointName {
  /// Ends that have two parts.
  private static let compound = [".weights.h5", ".weights.json"]

  /// What the name ends in; nothing for a folder.
  static func suffix(of path: FilePath) -> String {
    let name = path.lastComponent?.string ?? ""
    if FileStatus(of: path)?.kind == .folder { return "" }
    if let found = compound.first(where: { name.hasSuffix($0) && name != $0 }) { return found }
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return String(name[dot...])
  }
}
