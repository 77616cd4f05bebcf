public import FileIO
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

  /// When something in the folder was changed last, in seconds since 1970.
  var lastSignOfLife: Double {
    var paths = [path]
    for component in (try? Folder.components(in: path)) ?? [] {
      paths.append(path.appending(component))
    }
    return paths.compactMap { FileStatus(of: $0)?.modificationTime }.max() ?? 0
  }

  /// Who runs it or ran it; nil when nobody has claimed it.
  ///
  /// - Throws: `RunError` for a record that is damaged, `FileError`.
  public func claim() throws -> ProcessClaim? {
    guard let bytes = try SmallFile.read(process) else { return nil }
    guard let claim = (try? JSONValue(parsing: bytes)).flatMap(ProcessClaim.init) else {
      throw RunError.damaged(process, "it does not tell a process")
    }
    return claim
  }

  /// Claims the folder; false when it is claimed already.
  ///
  /// - Throws: `FileError`.
  public func claim(as claim: ProcessClaim) throws(FileError) -> Bool {
    try SmallFile.create(process, Array((claim.json.text + "\n").utf8))
  }

  /// The last lines of the log, for messages.
  public func lastLines(_ count: Int = 5) -> [String] {
    let text = String(decoding: SmallFile.tail(log, count: 4096), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).suffix(count).map { String($0.prefix(300)) }
  }
}

/// Who runs an attempt.
public struct ProcessClaim: Sendable, Hashable {
  /// The supervisor; nil when the attempt was given up before it began.
  public let supervisor: ProcessIdentity?
  /// When it began, in seconds since 1970.
  public let time: Double

  /// A claim of a process.
  public init(supervisor: ProcessIdentity?, time: Double) {
    self.supervisor = supervisor
    self.time = time
  }

  var json: JSONValue {
    var members = [JSONValue.Member("time", .float(time))]
    if let supervisor {
      members += [
        JSONValue.Member("pid", .integer(Int(supervisor.number))),
        JSONValue.Member("start", .number(String(supervisor.start))),
        JSONValue.Member("boot", .string(supervisor.boot)),
      ]
    } else {
      members.append(JSONValue.Member("abandoned", .bool(true)))
    }
    return .object(members)
  }

  init?(_ json: JSONValue) {
    guard let time = json["time"]?.double else { return nil }
    self.time = time
    if json["abandoned"] == .bool(true) {
      supervisor = nil
      return
    }
    guard let number = json["pid"]?.integer, let boot = json["boot"]?.string,
      case .number(let text)? = json["start"], let start = UInt64(text)
    else { return nil }
    supervisor = ProcessIdentity(
      number: Int32(truncatingIfNeeded: number), start: start, boot: boot)
  }
}
