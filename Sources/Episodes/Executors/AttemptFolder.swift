import FileIO
import JSONText
public import SystemPackage

/// The folder of an attempt: all that there is of it, and nothing of any other.
///
/// The process that runs it claims the folder first, and writes the exit record last. Files decide what
/// became of an attempt, whatever an executor says.
public struct AttemptFolder: Sendable, Hashable {
  /// The folder.
  public let path: FilePath

  /// Names a folder.
  public init(_ path: FilePath) { self.path = path }

  /// What to run, as a `AttemptSpec`.
  public var spec: FilePath { path.appending("spec.json") }
  /// Who runs it, as a `ProcessClaim`.
  public var process: FilePath { path.appending("process.json") }
  /// How it ended, as an `ExitRecord`.
  public var exit: FilePath { path.appending("exit.json") }
  /// Asks its supervisor to end it, wherever that runs, by being there.
  public var cancel: FilePath { path.appending("cancel") }
  /// What it wrote to standard error, and to standard output unless that is wanted apart.
  public var log: FilePath { path.appending("log") }
  /// What it wrote to standard output when that is wanted apart.
  public var output: FilePath { path.appending("output") }
  /// The weights.
  public func out(suffix: String) -> FilePath { path.appending("model\(suffix)") }
  /// The moving average of the weights.
  public func emaOut(suffix: String) -> FilePath { path.appending("ema\(suffix)") }
  /// The state of the member.
  public func stateOut(suffix: String) -> FilePath { path.appending("state\(suffix)") }

  /// How it ended; nil while that is not known.
  ///
  /// - Throws: `RunError` for a record that is damaged, `FileError`.
  public func exitRecord() throws -> ExitRecord? {
    guard let bytes = try SmallFile.read(exit) else { return nil }
    guard let record = (try? JSONValue(parsing: bytes)).flatMap(ExitRecord.init) else {
      throw RunError.damaged(exit, "it is no exit record")
    }
    return record
  }

  /// What it runs; nil when that was never written down.
  ///
  /// - Throws: `FileError`.
  public func specification() throws -> AttemptSpec? {
    guard let bytes = try SmallFile.read(spec) else { return nil }
    return (try? JSONValue(parsing: bytes)).flatMap { AttemptSpec($0, folder: self) }
  }

  /// Who runs it or ran it; nil when nobody has claimed it, or is just about to.
  ///
  /// - Throws: `RunError` for a record that is damaged, `FileError`.
  public func claim() throws -> ProcessClaim? {
    guard let bytes = try SmallFile.read(process), !bytes.isEmpty else { return nil }
    guard let claim = (try? JSONValue(parsing: bytes)).flatMap(ProcessClaim.init) else {
      throw RunError.damaged(process, "it does not tell a process")
    }
    return claim
  }

  /// Claims the folder for this process, which keeps the claim locked as long as it has the result; nil when it is
  /// claimed already.
  ///
  /// - Throws: `FileError`.
  func claimed() throws(FileError) -> (claim: ProcessClaim, lock: OwnerLock)? {
    var claim = ProcessClaim.abandonment
    let lock = try OwnerLock(creating: process) { inode in
      claim = .own(inode: inode)
      return claim.text
    }
    return lock.map { (claim, $0) }
  }

  /// Keeps the folder from being claimed; false when it is claimed already.
  ///
  /// - Throws: `FileError`.
  func abandon() throws(FileError) -> Bool {
    try SmallFile.create(process, Array(ProcessClaim.abandonment.text.utf8))
  }

  /// Removes all but what tells how the attempt went.
  func removeScratch() {
    let records = Set([spec, process, exit, log, output].map(\.lastComponent))
    for component in (try? Folder.components(in: path)) ?? [] where !records.contains(component) {
      Folder.removeAll(path.appending(component))
    }
  }

  /// The last lines of the log, for messages.
  public func lastLines(_ count: Int = 5) -> [String] {
    let text = String(decoding: SmallFile.tail(log, count: 4096), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).suffix(count).map { String($0.prefix(300)) }
  }
}
