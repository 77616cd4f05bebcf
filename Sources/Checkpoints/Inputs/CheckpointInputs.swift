import FileIO
public import SystemPackage
import TensorCore

/// Turns what a user names (files, folders, patterns) into the checkpoints that are meant.
public enum CheckpointInputs {
  /// Whether some of the checkpoints will be chosen.
  public enum Purpose: Sendable, Hashable {
    /// All are meant.
    case all
    /// Some will be chosen: a folder with a model and with checkpoints stands for the checkpoints.
    case selection
  }

  /// The checkpoints that `arguments` name.
  ///
  /// A folder that holds a model is one checkpoint; another folder stands for the checkpoints in it, in
  /// natural order (`step-9` before `step-10`). An argument that names no file and contains `*`, `?` or `[`
  /// is a pattern; what it matches comes in natural order.
  ///
  /// - Throws: `CheckpointError` for what does not exist, holds nothing, or may be meant in two ways.
  public static func expand(_ arguments: [String], for purpose: Purpose = .all) throws
    -> [FilePath]
  {
    try arguments.flatMap { argument in
      let path = FilePath(argument)
      if FileStatus(of: path) == nil, Glob.isPattern(argument) { return try matches(of: path) }
      return try contents(of: path, purpose)
    }
  }

  /// The last `count` in natural order of their paths.
  public static func last(_ count: Int, of paths: [FilePath]) -> [FilePath] {
    Array(naturallySorted(paths).suffix(count))
  }

  private static func contents(of path: FilePath, _ purpose: Purpose) throws -> [FilePath] {
    guard FileStatus(of: path)?.kind == .folder else { return [path] }
    let names = try Folder.names(in: path)
    let isModel = CheckpointFolder.isModel(names)
    if isModel && purpose == .all { return [path] }
    // Hidden folders are what killed runs left. Others that cannot be listed might hold checkpoints.
    let folders = try Folder.components(in: path)
      .filter { !$0.string.hasPrefix(".") }.map { path.appending($0) }
      .filter { FileStatus(of: $0)?.kind == .folder }
      .filter { CheckpointFolder.isModel(try Folder.names(in: $0)) }
    if isModel { return folders.isEmpty ? [path] : naturallySorted(folders) }
    let files = CheckpointFolder.checkpoints(among: names).map { path.appending($0) }
    if folders.isEmpty && files.count == 1 { return [path] }
    guard files.isEmpty || folders.isEmpty else {
      throw CheckpointError(
        .badInput, path,
        "it holds \(files.count) checkpoint files and \(folders.count) folders with checkpoints",
        hint: "name the ones that are meant, for example '\(path.appending("*"))/'")
    }
    guard !files.isEmpty || !folders.isEmpty else {
      throw CheckpointError(
        .badInput, path, "there is no checkpoint in this folder",
        hint: "looked for: "
          + CheckpointFormats.all.flatMap { $0.suffixes }.map { "*" + $0 }.joined(separator: ", ")
          + " and folders that hold a model")
    }
    return naturallySorted(files + folders)
  }

  private static func matches(of pattern: FilePath) throws -> [FilePath] {
    var found: [FilePath] = [FilePath(root: pattern.root, [])]
    for component in pattern.components {
      let glob = Glob(component.string)
      found = found.flatMap { base -> [FilePath] in
        guard Glob.isPattern(component.string) else { return [base.appending(component)] }
        let names = (try? Folder.components(in: base.isEmpty ? "." : base)) ?? []
        let isHiddenMeant = component.string.hasPrefix(".")
        return names.filter { name in
          glob.matches(name.string) && (isHiddenMeant || !name.string.hasPrefix("."))
        }.map { base.appending($0) }
      }
    }
    found = found.filter { FileStatus(of: $0) != nil }
    guard !found.isEmpty else {
      throw CheckpointError(.missingInput, pattern, "no file or folder matches this pattern")
    }
    return naturallySorted(found)
  }

  private static func naturallySorted(_ paths: [FilePath]) -> [FilePath] {
    paths.map { ($0, NaturalOrder($0.string)) }.sorted { $0.1 < $1.1 }.map(\.0)
  }
}

/// Orders names as people do: runs of digits by their number.
struct NaturalOrder: Comparable {
  private enum Part: Equatable {
    case text([UInt8])
    case number([UInt8])
  }

  private let parts: [Part]
  private let name: String

  init(_ name: String) {
    self.name = name
    var parts: [Part] = []
    var bytes = Array(name.utf8)[...]
    while let first = bytes.first {
      let isNumber = NaturalOrder.isDigit(first)
      let part = bytes.prefix { NaturalOrder.isDigit($0) == isNumber }
      // Without leading zeros, more digits are a larger number: no number is too long.
      parts.append(isNumber ? .number(Array(part.drop { $0 == 0x30 })) : .text(Array(part)))
      bytes = bytes.dropFirst(part.count)
    }
    self.parts = parts
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  static func < (left: NaturalOrder, right: NaturalOrder) -> Bool {
    for (first, second) in zip(left.parts, right.parts) where first != second {
      switch (first, second) {
      case (.number(let first), .number(let second)):
        return first.count != second.count
          ? first.count < second.count : first.lexicographicallyPrecedes(second)
      case (.text(let first), .text(let second)): return first.lexicographicallyPrecedes(second)
      case (.number, .text): return true
      case (.text, .number): return false
      }
    }
    if left.parts.count != right.parts.count { return left.parts.count < right.parts.count }
    return left.name < right.name
  }
}
