import CSystemShims
import Glibc
public import SystemPackage

/// A file or folder that is built beside its place and takes it in one step.
///
/// It is built under the name `.NAME.imwa-partial`. Whatever ends the process, the place holds the old or
/// the new, and what was left of an unfinished attempt is removed by the next one. A lock tells an attempt
/// that is under way from one that was abandoned.
public final class StagedOutput {
  /// What is built.
  public enum Form: Sendable, Hashable {
    case file
    case folder
  }

  /// What to do when the place is taken.
  public enum Existing: Sendable, Hashable {
    case refuse
    case replace
  }

  /// What is built.
  public let form: Form
  /// The place: where a symbolic link leads to, when the path given is one.
  public let destination: FilePath
  /// Where it is built.
  public let stagingPath: FilePath

  private let durability: Durability
  private let replaced: FileStatus?
  private var files: [WritableFile] = []
  private var lockDescriptor: FileDescriptor?
  private var isFinished = false

  /// Checks the place, without touching it.
  ///
  /// - Throws: `FileError` when the place is taken or is of another form, or its folder is missing.
  public init(_ form: Form, at path: FilePath, existing: Existing, durability: Durability)
    throws(FileError)
  {
    self.form = form
    self.durability = durability
    destination = try StagedOutput.resolve(path)
    let folder = destination.parent
    guard let name = destination.lastComponent?.string, name != "..", name != "." else {
      throw FileError(.create, path, reason: "it is not the name of a file")
    }
    guard FileStatus(of: folder)?.kind == .folder else {
      throw FileError(
        .create, path, reason: "the folder '\(folder)' does not exist",
        hint: "make it first: mkdir -p '\(folder)'")
    }
    // Names may have 255 bytes; a cut name is still the same for the same output.
    stagingPath = folder.appending(".\(name.prefixOfBytes(200)).imwa-partial")
    replaced = FileStatus(of: destination)
    try checkReplaced(existing, named: path)
  }

  deinit { discard() }

  /// Starts building: removes an abandoned attempt, and makes the staging folder when one is needed.
  ///
  /// - Throws: `FileError` when another process is building the same output, or the file system cannot
  ///   replace a folder in one step.
  public func begin() throws(FileError) {
    try removeAbandonedAttempt()
    guard form == .folder else { return }
    try Folder.create(stagingPath, like: replaced)
    lockDescriptor = try lockFolder(stagingPath)
    if replaced != nil && !isEmptyFolder { try checkExchange() }
  }

  /// Creates a file of the output: the output itself, or `name` in the folder.
  ///
  /// - Throws: `FileError`.
  public func createFile(named name: String? = nil, size: Int) throws(FileError) -> WritableFile {
    let path = name.map { stagingPath.appending($0) } ?? stagingPath
    let file = try WritableFile(creating: path, size: size, durability: durability)
    if form == .file {
      _ = file.lock()
      if let replaced { file.takeAttributes(of: replaced) }
    }
    files.append(file)
    return file
  }

  /// Forces all to the disk and puts it in its place in one step.
  ///
  /// - Parameter isCarriedOver: whether a file or folder of this name in a folder that is replaced is kept.
  /// - Throws: `FileError`; the place is then as it was.
  public func commit(carryingOver isCarriedOver: (String) -> Bool = { _ in false })
    throws(FileError)
  {
    for file in files { try file.finish() }
    if form == .folder {
      try carryOver(isCarriedOver)
      if durability == .full { try Folder.synchronize(stagingPath) }
    }
    try putInPlace()
    isFinished = true
    if durability == .full { try Folder.synchronize(destination.parent) }
    // After an exchange the staging name holds what was replaced.
    if form == .folder { Folder.removeAll(stagingPath) }
  }

  /// Removes what was built, unless it is in its place already.
  public func discard() {
    guard !isFinished, !files.isEmpty || lockDescriptor != nil else { return }
    isFinished = true
    Folder.removeAll(stagingPath)
    try? lockDescriptor?.close()
    lockDescriptor = nil
  }

  private var isEmptyFolder: Bool {
    replaced?.kind == .folder && Folder.isEmpty(destination)
  }

  private func checkReplaced(_ existing: Existing, named path: FilePath) throws(FileError) {
    guard let replaced else { return }
    let expected: FileStatus.Kind = form == .file ? .file : .folder
    guard replaced.kind == expected else {
      let found = replaced.kind == .folder ? "a folder" : "not a folder"
      throw FileError(
        .create, path,
        reason: "a \(form == .file ? "file" : "folder") would be written there, but it is "
          + (replaced.kind == .other ? "a device or pipe" : found))
    }
    if existing == .refuse && !isEmptyFolder {
      throw FileError(
        .create, path, reason: "it exists already", hint: "use --force to replace it")
    }
  }

  private func putInPlace() throws(FileError) {
    let result: Int32 = unsafe stagingPath.withPlatformString { from in
      unsafe destination.withPlatformString { to in
        if form == .folder && replaced != nil && !isEmptyFolder {
          return unsafe imwa_exchange_paths(from, to)
        }
        if replaced == nil {
          // What appeared meanwhile is not ours to replace.
          let result = unsafe imwa_rename_exclusively(from, to)
          if ![ENOSYS, EINVAL].contains(result) { return result }
        }
        return unsafe rename(from, to) == 0 ? 0 : errno
      }
    }
    guard result == 0 else {
      throw FileError(.replace, destination, errno: Errno(rawValue: result))
    }
  }

  private func carryOver(_ isCarriedOver: (String) -> Bool) throws(FileError) {
    guard let replaced, replaced.kind == .folder else { return }
    let present = Set(try Folder.names(in: stagingPath))
    for name in try Folder.names(in: destination) {
      if present.contains(name) || !isCarriedOver(name) { continue }
      try Folder.link(destination.appending(name), as: stagingPath.appending(name))
    }
  }

  /// Tries the one-step exchange on two empty folders before anything is written.
  private func checkExchange() throws(FileError) {
    let probes = ["a", "b"].map { stagingPath.appending(".exchange-\($0)") }
    for probe in probes { try Folder.create(probe) }
    defer { for probe in probes { Folder.removeAll(probe) } }
    let result = unsafe probes[0].withPlatformString { first in
      unsafe probes[1].withPlatformString { second in unsafe imwa_exchange_paths(first, second) }
    }
    guard result == 0 else {
      throw FileError(
        .create, destination,
        reason: "this file system cannot replace a folder in one step",
        hint: "write to a new folder instead")
    }
  }

  private func removeAbandonedAttempt() throws(FileError) {
    guard let status = FileStatus(ofLink: stagingPath) else { return }
    guard status.kind == .file || status.kind == .folder else {
      return unlink(stagingPath)
    }
    // Held until the attempt is gone, so that two processes cannot both take it for abandoned.
    let descriptor = try lockFolder(stagingPath)
    defer { try? descriptor.close() }
    if FileStatus(ofLink: stagingPath)?.identity == FileStatus(of: descriptor)?.identity {
      Folder.removeAll(stagingPath)
    }
  }

  private func lockFolder(_ path: FilePath) throws(FileError) -> FileDescriptor {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
    } catch {
      throw FileError(.create, path, errno: error as? Errno)
    }
    if flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      try? descriptor.close()
      throw FileError(
        .create, destination, reason: "another process is writing it",
        hint: "wait for it to end, or choose another name")
    }
    return descriptor
  }

  /// Follows symbolic links, also one whose target does not exist yet.
  private static func resolve(_ path: FilePath) throws(FileError) -> FilePath {
    var current = path.lexicallyNormalized()
    for _ in 0..<40 {
      guard FileStatus(ofLink: current)?.kind == .symbolicLink else {
        return current
      }
      var target = [CChar](repeating: 0, count: 4096)
      let length = unsafe current.withPlatformString { unsafe readlink($0, &target, 4095) }
      guard length > 0 else { break }
      let link = FilePath(platformString: target)
      current = current.removingLastComponent().pushing(link)
    }
    throw FileError(.create, path, errno: .tooManySymbolicLinkLevels)
  }
}

extension FilePath {
  /// The folder that a path is in, which can be listed and synchronised.
  var parent: FilePath {
    let folder = removingLastComponent()
    return folder.isEmpty ? "." : folder
  }
}

extension String {
  /// As many characters from the start as fit in `count` bytes.
  fileprivate func prefixOfBytes(_ count: Int) -> String {
    var result = ""
    var size = 0
    for character in self {
      size += character.utf8.count
      if size > count { break }
      result.append(character)
    }
    return result
  }
}
