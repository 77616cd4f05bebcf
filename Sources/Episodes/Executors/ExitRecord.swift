import FileIO
public import JSONText

/// How an attempt ended, written once and in one step by the process that ran it.
public struct ExitRecord: Sendable, Hashable {
  /// How the program ended.
  public enum Ending: Sendable, Hashable {
    case exited(code: Int)
    case killed(signal: Int)
    /// It could not be started, or its files could not be kept.
    case failed(String)
  }

  /// A file that the attempt made.
  public struct Output: Sendable, Hashable {
    /// What it is: `out`, `ema_out`, `state_out`.
    public let role: String
    /// Its size in bytes; of all files when it is a folder.
    public let size: Int
    /// The SHA-256 of its contents, in hexadecimal digits.
    public let sha256: String
    /// What the file system said of the file when it had these contents; nil when that is not known.
    ///
    /// While it says the same, the contents need not be read again.
    public var version: String?
  }

  /// How the program ended.
  public var ending: Ending
  /// How long it ran.
  public var seconds: Double
  /// Why it was asked to end before its time: it was cancelled, took too long, or showed no sign of life.
  public var cause: JournalEvent.Cause?
  /// The files that are there, when it ended well.
  public var outputs: [Output] = []

  /// The record as it is kept.
  public var json: JSONValue {
    var members: [JSONValue.Member]
    switch ending {
    case .exited(let code): members = [JSONValue.Member("code", .integer(code))]
    case .killed(let signal): members = [JSONValue.Member("signal", .integer(signal))]
    case .failed(let reason): members = [JSONValue.Member("failure", .string(reason))]
    }
    members.append(JSONValue.Member("seconds", .float((seconds * 1e6).rounded() / 1e6)))
    if let cause { members.append(JSONValue.Member("cause", .string(cause.rawValue))) }
    members.append(JSONValue.Member("outputs", ExitRecord.json(outputs)))
    return .object(members)
  }

  static func json(_ outputs: [Output]) -> JSONValue {
    .object(
      outputs.map { output in
        var members = [
          JSONValue.Member("bytes", .integer(output.size)),
          JSONValue.Member("sha256", .string(output.sha256)),
        ]
        if let version = output.version {
          members.append(JSONValue.Member("version", .string(version)))
        }
        return JSONValue.Member(output.role, .object(members))
      })
  }

  static func outputs(_ json: JSONValue?) -> [Output]? {
    guard case .object(let members)? = json else { return nil }
    return members.compactMap { member in
      guard let size = member.value["bytes"]?.integer, let digest = member.value["sha256"]?.string
      else { return nil }
      return Output(
        role: member.key, size: size, sha256: digest, version: member.value["version"]?.string)
    }
  }

  init(_ ending: Ending, seconds: Double) {
    self.ending = ending
    self.seconds = seconds
  }

  init?(_ json: JSONValue) {
    if let code = json["code"]?.integer {
      ending = .exited(code: code)
    } else if let signal = json["signal"]?.integer {
      ending = .killed(signal: signal)
    } else if let reason = json["failure"]?.string {
      ending = .failed(reason)
    } else {
      return nil
    }
    guard let seconds = json["seconds"]?.double, let outputs = ExitRecord.outputs(json["outputs"])
    else { return nil }
    self.seconds = seconds
    self.outputs = outputs
    cause =
      json["cancelled"] == .bool(true)
      ? .cancelled : json["cause"]?.string.flatMap(JournalEvent.Cause.init)
  }
}
