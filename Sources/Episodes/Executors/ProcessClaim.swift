public import FileIO
import JSONText

/// Who runs an attempt: the contents of its `process.json`, which the supervisor keeps locked as long as it lives.
public struct ProcessClaim: Sendable, Hashable {
  /// The supervisor; nil when the attempt was given up before it began.
  public let supervisor: ProcessIdentity?
  /// The machine that the supervisor runs on; nil when that is not known.
  public let host: String?
  /// When it began, in seconds since 1970.
  public let time: Double
  /// What all processes of the attempt have in their environment, as `NAME=VALUE`; nil when there are none.
  public let mark: String?
  /// The number of the file that this was written to: a copy of it says nothing of processes.
  let inode: UInt64

  /// A claim of a process.
  init(
    supervisor: ProcessIdentity?, host: String? = CurrentProcess.hostName, time: Double,
    mark: String? = nil, inode: UInt64 = 0
  ) {
    self.supervisor = supervisor
    self.host = host
    self.time = time
    self.mark = mark
    self.inode = inode
  }

  /// A claim of this process.
  static func own(inode: UInt64) -> ProcessClaim {
    let digits = String(UInt64.random(in: 1...UInt64.max), radix: 16)
    return ProcessClaim(
      supervisor: .current, time: WallClock.now,
      mark: "\(Placeholders.variable("attempt_mark"))=\(digits)", inode: inode)
  }

  /// Nobody's claim, which keeps whoever comes late from beginning.
  static var abandonment: ProcessClaim {
    ProcessClaim(supervisor: nil, time: WallClock.now)
  }

  /// The text of the file.
  var text: String { json.text + "\n" }

  var json: JSONValue {
    var members = [JSONValue.Member("time", .float(time))]
    if let host { members.append(JSONValue.Member("host", .string(host))) }
    guard let supervisor else {
      return .object(members + [JSONValue.Member("abandoned", .bool(true))])
    }
    members += [
      JSONValue.Member("pid", .integer(Int(supervisor.number))),
      JSONValue.Member("start", .number(String(supervisor.start))),
      JSONValue.Member("boot", .string(supervisor.boot)),
      JSONValue.Member("namespace", .string(supervisor.namespace)),
    ]
    if let mark { members.append(JSONValue.Member("mark", .string(mark))) }
    members.append(JSONValue.Member("inode", .number(String(inode))))
    return .object(members)
  }

  init?(_ json: JSONValue) {
    guard let time = json["time"]?.double else { return nil }
    self.time = time
    host = json["host"]?.string
    mark = json["mark"]?.string
    inode = ProcessClaim.number(json["inode"]) ?? 0
    if json["abandoned"] == .bool(true) {
      supervisor = nil
      return
    }
    guard let number = json["pid"]?.integer, let boot = json["boot"]?.string,
      let start = ProcessClaim.number(json["start"])
    else { return nil }
    supervisor = ProcessIdentity(
      number: Int32(truncatingIfNeeded: number), start: start, boot: boot,
      namespace: json["namespace"]?.string ?? "")
  }

  private static func number(_ json: JSONValue?) -> UInt64? {
    if case .number(let text)? = json { UInt64(text) } else { nil }
  }
}
