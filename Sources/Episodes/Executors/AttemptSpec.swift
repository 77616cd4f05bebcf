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
  /// The seconds between asking it to end and killing it.
  public var grace: Double
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
      JSONValue.Member("grace", .float(grace)),
      JSONValue.Member("separates_output", .bool(separatesOutput)),
    ])
  }

  init(
    name: String, folder: AttemptFolder, arguments: [String], environment: [String],
    workingFolder: FilePath, outputs: [Output], grace: Double
  ) {
    self.name = name
    self.folder = folder
    self.arguments = arguments
    self.environment = environment
    self.workingFolder = workingFolder
    self.outputs = outputs
    self.grace = grace
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
      grace: grace)
    separatesOutput = json["separates_output"] == .bool(true)
  }
}
