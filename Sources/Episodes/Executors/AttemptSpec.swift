import JSONText
public import SystemPackage

/// What an attempt runs: all that the process on the other side of an executor has to know.
public struct AttemptSpec: Sendable, Hashable {
  /// A file that the attempt makes.
  public struct Output: Sendable, Hashable {
    /// What it is: `out`, `ema_out`, `state_out`.
    public let role: String
    /// Where it is to be.
    public let path: FilePath
  }

  /// How long an attempt may take, in seconds; its supervisor sees to it.
  public struct Limits: Sendable, Hashable {
    /// From its beginning to its end; nil for no limit.
    public var timeout: Double?
    /// Without any sign of life; nil for no limit.
    public var heartbeat: Double?
    /// Between asking it to end and killing it.
    public var grace: Double
  }

  /// The identity: the same name never stands for anything else.
  public var name: String
  /// The folder.
  public var folder: AttemptFolder
  /// The program and its arguments.
  public var arguments: [String]
  /// The variables that it has besides those of the run, as `NAME=VALUE`.
  public var environment: [String]
  /// The folder that it starts in.
  public var workingFolder: FilePath
  /// The files that it makes.
  public var outputs: [Output]
  /// How long it may take.
  public var limits: Limits
  /// What the run was started with, as the first line of its journal.
  var run: JSONValue?
  /// The SHA-256 of what it starts from, by the name in commands.
  var startsFrom: [String: String] = [:]
  /// Whether standard output goes to a file of its own.
  public var separatesOutput = false

  var json: JSONValue {
    .object([
      JSONValue.Member("name", .string(name)),
      JSONValue.Member("arguments", .array(arguments.map { .string($0) })),
      JSONValue.Member("environment", .array(environment.map { .string($0) })),
      JSONValue.Member("working_folder", .string(workingFolder.string)),
      JSONValue.Member(
        "outputs", .object(outputs.map { JSONValue.Member($0.role, .string($0.path.string)) })),
      JSONValue.Member("timeout", limits.timeout.map { .float($0) } ?? .null),
      JSONValue.Member("heartbeat", limits.heartbeat.map { .float($0) } ?? .null),
      JSONValue.Member("grace", .float(limits.grace)),
      JSONValue.Member("separates_output", .bool(separatesOutput)),
      JSONValue.Member("run", run ?? .null),
      JSONValue.Member(
        "starts_from",
        .object(
          startsFrom.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) })
      ),
    ])
  }

  init(
    name: String, folder: AttemptFolder, arguments: [String], environment: [String],
    workingFolder: FilePath, outputs: [Output], limits: Limits
  ) {
    self.name = name
    self.folder = folder
    self.arguments = arguments
    self.environment = environment
    self.workingFolder = workingFolder
    self.outputs = outputs
    self.limits = limits
  }

  init?(_ json: JSONValue, folder: AttemptFolder) {
    guard let name = json["name"]?.string, let workingFolder = json["working_folder"]?.string,
      let grace = json["grace"]?.double, case .array(let arguments)? = json["arguments"],
      case .array(let environment)? = json["environment"],
      case .object(let outputs)? = json["outputs"]
    else { return nil }
    self.init(
      name: name, folder: folder, arguments: arguments.compactMap(\.string),
      environment: environment.compactMap(\.string), workingFolder: FilePath(workingFolder),
      outputs: outputs.map { Output(role: $0.key, path: FilePath($0.value.string ?? "")) },
      limits: Limits(
        timeout: json["timeout"]?.double, heartbeat: json["heartbeat"]?.double, grace: grace))
    separatesOutput = json["separates_output"] == .bool(true)
    run = json["run"]
    if case .object(let starts)? = json["starts_from"] {
      for start in starts { startsFrom[start.key] = start.value.string }
    }
  }
}
