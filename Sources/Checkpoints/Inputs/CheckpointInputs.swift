import FileIO
public import SystemPackage
import TensorCore

/// Turns what a user names (files, folders, patterns) into the checkpoints that are meant.
public struct CheckpointInputs: Sendable {
  /// What the checkpoints are for.
  public enum Purpose: Sendable, Hashable {
    /// Each is looked at: all are meant.
    case inspection
    /// They are averaged: none may count twice.
    case averaging
    /// Some will be chosen and averaged: a folder with a model and with checkpoints stands for the checkpoints.
    case selection
  }

  /// The checkpoints in the order of the arguments, those of a folder or pattern in natural order.
  public private(set) var paths: [FilePath]
  /// What was left out, and why.
  public private(set) var notices: [String] = []

  /// The checkpoints that `arguments` name.
  ///
  /// A folder that holds a model is one checkpoint; another folder stands for the checkpoints in it, in
  /// natural order (`step-9` before `step-10`). An argument that names no file and contains `*`, `?` or `[`
  /// is a pattern; what it matches comes in natural order. For an average, copies and variants of other checkpoints
  /// in a folder or pattern are left out.
  ///
  /// - Parameter output: what will be written: a run that is repeated must not average its own result.
  /// - Throws: `CheckpointError` for what does not exist, holds nothing, or may be meant in two ways.
  public init(
    _ arguments: [String], for purpose: Purpose = .inspection, output: FilePath? = nil
  ) throws {
    paths = []
    let output = output.flatMap { FileStatus(of: $0)?.identity }
    for argument in arguments {
      let path = FilePath(argument)
      let isPattern = FileStatus(of: path) == nil && Glob.isPattern(argument)
      let found =
        isPattern
        ? try CheckpointInputs.matches(of: path) : try CheckpointInputs.contents(of: path, purpose)
      guard found != [path] else {
        paths.append(path)
        continue
      }
      let inputs = without(output, found)
      paths += purpose == .inspection ? inputs : withoutRepetitions(inputs)
    }
    if purpose == .selection { paths = withoutRepetitions(paths) }
    if purpose != .inspection { try ProcessParts.check(paths) }
  }

  /// Keeps the last `count` in natural order of their paths.
  public mutating func keepLast(_ count: Int) {
    let (ordered, unplaced) = CheckpointSeries(paths).placed()
    notices += unplaced.map { path in
      "\(path) is left out: its name does not tell its place among the others"
    }
    paths = Array(ordered.suffix(count))
  }

  private mutating func without(_ output: FileStatus.Identity?, _ found: [FilePath]) -> [FilePath] {
    guard let output else { return found }
    return found.filter { path in
      if FileStatus(of: path)?.identity != output { return true }
      notices.append("\(path) is the output and no input")
      return false
    }
  }

  private mutating func withoutRepetitions(_ found: [FilePath]) -> [FilePath] {
    let (kept, leftOut) = CheckpointSeries(found).distinct()
    notices += leftOut
    return kept
  }

  private static func contents(of path: FilePath, _ purpose: Purpose) throws -> [FilePath] {
    guard FileStatus(of: path)?.kind == .folder else { return [path] }
    let names = try Folder.names(in: path)
    let isModel = CheckpointFolder.isModel(names)
    if isModel && purpose != .selection { return [path] }
    if !isModel, let parts = ProcessParts.find(in: path, names: names) { throw parts.error(path) }
    try CheckpointFolder.checkForeign(path, names)
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
        hint: "name the ones that are meant, for example '\(folders[0])'")
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
