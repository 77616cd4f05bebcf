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

  /// What is there before.
  private enum Replaced {
    case nothing
    case emptyFolder(FileStatus)
    case contents(FileStatus)

    var status: FileStatus? {
      switch self {
      case .nothing: nil
      case .emptyFolder(let status), .contents(let status): status
      }
    }
  }

  /// What is built.
  public let form: Form
  /// The place: where a symbolic link leads to, when the path given is one.
  public let destination: FilePath
  /// Where it is built.
  public let stagingPath: FilePath

  private let durability: Durability
  private let replaced: Replaced
  private var files: [WritableFile] = []
  private var lock: StagingLock?
  private var parent: FileDescriptor?
  private var isBuilding = false
  private var hasScratchFile = false
  private var isCarriedOver: (String) -> Bool = { _ in false }
  private var folders: Set<String> = []

  /// Checks the place, without touching it.
  ///
  /// - Throws: `FileError` when the place is taken or is of another form, or its folder is missing.
  public init(_ form: Form, at path: FilePath, existing: Existing, durability: Durability)
    throws(FileError)
  {
    self.form = form
    self.durability = durability
    // The link in /proc that stands for a pipe leads to a name that no file has.
    guard FileStatus(of: path)?.kind != .other else {
      throw FileError(
        .create, path,
        reason:
          "a \(form == .file ? "file" : "folder") would be written there, but it is a device or pipe",
        hint:
          "an output is built beside its place and takes it in one step: name a file in a folder")
    }
    destination = try StagedOutput.resolve(path)
    guard let name = destination.lastComponent, name.kind == .regular else {
      throw FileError(
        .create, path, reason: "it is not a name", hint: "name the file or folder itself")
    }
    guard name.string.utf8.count <= 255 else {
      throw FileError(.create, path, errno: .fileNameTooLong)
    }
    try StagedOutput.checkParent(of: destination, path)
    // Names may have 255 bytes; a cut name is still the same for the same output.
    stagingPath = destination.parent.appending(".\(name.string.prefixOfBytes(200)).imwa-partial")
    if let status = FileStatus(of: destination) {
      let isEmpty = status.kind == .folder && Folder.isEmpty(destination)
      replaced = isEmpty ? .emptyFolder(status) : .contents(status)
    } else {
      replaced = .nothing
    }
    try checkReplaced(existing, named: path)
  }

  deinit { discard() }

  /// Whether something is at the place that will be replaced.
  public var replacesContents: Bool {
    if case .contents = replaced { true } else { false }
  }

  /// Starts building: removes an abandoned attempt, and makes the staging folder when one is needed.
  ///
  /// - Parameters:
  ///   - folders: the paths of the folders in the output that files will be created in, with those around them.
  ///   - isCarriedOver: whether a file or folder with this path in a folder that is replaced is kept; of `folders`,
  ///     each file and folder in them is asked for.
  /// - Throws: `FileError` when another process is building the same output, or the file system cannot do
  ///   what will be needed.
  public func begin(
    folders: Set<String> = [],
    carryingOver isCarriedOver: @escaping (String) -> Bool = { _ in false }
  ) throws(FileError) {
    precondition(!isBuilding, "an output is built once")
    self.isCarriedOver = isCarriedOver
    self.folders = folders
    if durability == .full { parent = try Folder.open(destination.parent) }
    try removeAbandonedAttempt()
    guard form == .folder else { return }
    try Folder.create(stagingPath, like: replaced.status)
    isBuilding = true
    try hold(try StagingLock.lock(stagingPath, isFolder: true))
    for path in folders.sorted() {
      try Folder.create(
        stagingPath.appending(path), like: FileStatus(of: destination.appending(path)))
    }
    if case .contents = replaced {
      try checkExchange()
      // Here, so that what cannot be kept is known before anything is computed.
      try carryOver()
    }
  }

  /// Creates a file of the output: the output itself, or `name` in the folder.
  ///
  /// - Throws: `FileError`.
  public func createFile(named name: String? = nil, size: Int) throws(FileError) -> WritableFile {
    let path = name.map { stagingPath.appending($0) } ?? stagingPath
    let file = try WritableFile(creating: path, size: 0, durability: durability)
    if form == .file {
      isBuilding = true
      try hold(file.lock())
    }
    let replacedFile = name.map { destination.appending($0) } ?? destination
    if let status = FileStatus(of: replacedFile), status.kind == .file {
      file.takeAttributes(of: status)
    }
    files.append(file)
    try file.reserve(size)
    return file
  }

  /// Creates a file beside the output for something that goes into it; it is gone at the end.
  ///
  /// What an abandoned attempt left of one is removed.
  ///
  /// - Throws: `FileError`.
  public func createScratchFile(size: Int) throws(FileError) -> WritableFile {
    precondition(form == .file && isBuilding, "the output's own file comes first: it has the lock")
    Folder.removeAll(scratchPath)
    let file = try WritableFile(creating: scratchPath, size: 0, durability: .none)
    hasScratchFile = true
    try file.reserve(size)
    return file
  }

  /// Removes the file beside the output.
  public func removeScratchFile() {
    if hasScratchFile { Folder.removeAll(scratchPath) }
    hasScratchFile = false
  }

  private var scratchPath: FilePath {
    FilePath(stagingPath.string + "-contents")
  }

  /// Forces all to the disk and puts it in its place in one step.
  ///
  /// - Throws: `FileError`; unless it says otherwise, the place is as it was.
  public func commit() throws(FileError) {
    removeScratchFile()
    for file in files { try file.finish() }
    if form == .folder {
      for path in folders { try synchronize(stagingPath.appending(path)) }
      try synchronize(stagingPath)
      // What came into the old folder meanwhile.
      if case .contents = replaced { try carryOver() }
    }
    guard lock?.isHeld(on: stagingPath) ?? true else { throw busy() }
    // After an exchange the staging name holds the old folder, which others must not take for abandoned.
    var oldLock: StagingLock?
    if form == .folder, case .contents = replaced,
      case .locked(let lock)? = try? StagingLock.lock(destination, isFolder: true)
    {
      oldLock = lock
    }
    try putInPlace()
    isBuilding = false
    if form == .folder, case .contents = replaced {
      // And what came into it in the last moment.
      try carryOver(from: stagingPath, to: destination, replacing: false)
      Folder.removeAll(stagingPath)
    }
    withExtendedLifetime(oldLock) {}
    lock = nil
    if let parent, !Folder.synchronize(parent) {
      throw FileError(
        .write, destination, reason: "it is in its place, but the disk did not confirm that",
        hint: "check the disk; the contents were written")
    }
  }

  /// Removes what was built, unless it is in its place already.
  public func discard() {
    // Removing a folder needs descriptors, which may have run out.
    files = []
    if isBuilding {
      isBuilding = false
      if lock?.isHeld(on: stagingPath) ?? true {
        removeScratchFile()
        Folder.removeAll(stagingPath)
      }
    }
    lock = nil
    try? parent?.close()
    parent = nil
  }

  private func hold(_ outcome: StagingLock.Outcome) throws(FileError) {
    switch outcome {
    case .locked(let lock):
      guard lock.isHeld(on: stagingPath) else {
        isBuilding = false
        throw busy()
      }
      self.lock = lock
    case .busy:
      // Another process holds what was just created for abandoned and removes it.
      isBuilding = false
      throw busy()
    case .unsupported: return
    }
  }

  private func busy() -> FileError {
    FileError(
      .create, destination, reason: "another process is writing it",
      hint: "wait for it to end, or choose another name")
  }

  private func synchronize(_ folder: FilePath) throws(FileError) {
    guard durability == .full else { return }
    let descriptor = try Folder.open(folder)
    defer { try? descriptor.close() }
    guard Folder.synchronize(descriptor) else {
      throw FileError(.write, folder, errno: Errno(rawValue: errno))
    }
  }

  private func putInPlace() throws(FileError) {
    let result: Int32 = unsafe stagingPath.withPlatformString { from in
      unsafe destination.withPlatformString { to in
        switch replaced {
        case .contents where form == .folder: return unsafe imwa_exchange_paths(from, to)
        case .contents: break
        // Fails when the folder is not empty any more.
        case .emptyFolder: break
        case .nothing:
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

  private func carryOver() throws(FileError) {
    try carryOver(from: destination, to: stagingPath, replacing: true)
  }

  /// - Parameter path: the path of the folder in the output; nil for the output itself.
  private func carryOver(
    from old: FilePath, to new: FilePath, in path: String? = nil, replacing: Bool
  ) throws(FileError) {
    for component in try Folder.components(in: old) {
      let name = path.map { $0 + "/" + component.string } ?? component.string
      let (from, to) = (old.appending(component), new.appending(component))
      if folders.contains(name) {
        guard FileStatus(ofLink: from)?.kind == .folder else { continue }
        try carryOver(from: from, to: to, in: name, replacing: replacing)
      } else if isCarriedOver(name) {
        try Folder.link(from, as: to, replacing: replacing)
      }
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
    guard status.kind == .file || status.kind == .folder else { return unlink(stagingPath) }
    // Held until the attempt is gone, so that two processes cannot both take it for abandoned.
    switch try StagingLock.lock(stagingPath, isFolder: status.kind == .folder) {
    case .locked(let lock):
      guard lock.isHeld(on: stagingPath) else { throw busy() }
      if status.kind == .file { Folder.removeAll(scratchPath) }
      Folder.removeAll(stagingPath)
    case .busy: throw busy()
    case .unsupported:
      throw FileError(
        .create, destination,
        reason: "an attempt lies at '\(stagingPath)', and this file system cannot tell whether it "
          + "is still under way",
        hint: "if no other process writes it, remove '\(stagingPath)'")
    }
  }
}

// MARK: - Checking the place

extension StagedOutput {
  private func checkReplaced(_ existing: Existing, named path: FilePath) throws(FileError) {
    guard let status = replaced.status else { return }
    let expected: FileStatus.Kind = form == .file ? .file : .folder
    guard status.kind == expected else {
      throw FileError(
        .create, path,
        reason: form == .file
          ? "a file would be written there, but it is a folder"
          : "a folder would be written there, but it is not a folder")
    }
    if existing == .refuse && replacesContents {
      throw FileError(
        .create, path, reason: "it exists already", hint: "use --force to replace it")
    }
  }

  private static func checkParent(of destination: FilePath, _ path: FilePath) throws(FileError) {
    let folder = destination.parent
    guard let status = FileStatus(of: folder) else {
      throw FileError(
        .create, path, reason: "the folder '\(folder)' does not exist",
        hint: "make it first: mkdir -p '\(folder)'")
    }
    guard status.kind == .folder else {
      throw FileError(.create, path, reason: "'\(folder)' is not a folder")
    }
    guard Folder.isWritable(folder) else {
      throw FileError(
        .create, path, reason: "the folder '\(folder)' may not be written to",
        hint: "an output is built beside its place: choose one in a folder that you may write to")
    }
    if let present = FileStatus(of: destination), present.kind == .folder,
      present.identity.device != status.identity.device
    {
      throw FileError(
        .create, path, reason: "it is a mount point, which cannot be replaced in one step",
        hint: "write to a folder in it")
    }
  }

  /// Follows symbolic links, also one whose target does not exist yet.
  private static func resolve(_ path: FilePath) throws(FileError) -> FilePath {
    var current = path
    for _ in 0..<40 {
      guard FileStatus(ofLink: current)?.kind == .symbolicLink else { return current }
      var target = [CChar](repeating: 0, count: 4096)
      let length = unsafe current.withPlatformString { unsafe readlink($0, &target, 4095) }
      guard length > 0 else { break }
      current = current.removingLastComponent().pushing(FilePath(platformString: target))
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
