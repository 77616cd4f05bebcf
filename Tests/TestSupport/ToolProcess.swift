import Foundation

/// A tool run as a process, as a user would.
public struct ToolProcess {
  /// What a process left behind.
  public struct Result {
    /// The exit code; 128 and the signal's number when a signal ended it.
    public let status: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String
  }

  private let process = Process()
  private let output: URL
  private let errors: URL
  private let folder: TemporaryFolder

  /// Prepares a run of the tool of this name, which stands beside the test program.
  ///
  /// - Parameters:
  ///   - limits: words for the shell's `ulimit`, such as `-f 100`.
  ///   - environment: variables besides those of the tests.
  public init(
    _ tool: String, _ arguments: [String], limits: String? = nil,
    environment: [String: String] = [:], in directory: String? = nil
  ) throws {
    folder = try TemporaryFolder()
    output = URL(fileURLWithPath: folder.file("output"))
    errors = URL(fileURLWithPath: folder.file("errors"))
    for url in [output, errors] { try Data().write(to: url) }
    let products = try URL(
      fileURLWithPath: FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    ).deletingLastPathComponent()
    let path = products.appendingPathComponent(tool).path
    if let limits {
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      process.arguments = ["-c", "ulimit \(limits); exec \"$0\" \"$@\"", path] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
    }
    if !environment.isEmpty {
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    }
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
  }

  /// Starts it.
  public func start() throws { try process.run() }

  /// Sends it a signal, if it still runs.
  public func send(_ signal: Int32) {
    if process.isRunning { kill(process.processIdentifier, signal) }
  }

  /// Waits for its end.
  public func finish() throws -> Result {
    process.waitUntilExit()
    let status =
      process.terminationReason == .exit
      ? process.terminationStatus : 128 + process.terminationStatus
    return Result(
      status: status, output: try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }

  /// Runs a tool to its end.
  public static func run(
    _ tool: String, _ arguments: [String], limits: String? = nil, in directory: String? = nil
  ) throws -> Result {
    let process = try ToolProcess(tool, arguments, limits: limits, in: directory)
    try process.start()
    return try process.finish()
  }
}
