import Foundation
import TestSupport
import Testing

/// Command lines as the processes of the tools get them.
@Suite struct CommandLineTests {
  static let tools = ["imwa-avg", "imwa-dist", "imwa-ckpt", "imwa-run", "imwa-train"]
  static let compiler = ["/usr/bin/env", "clang"]

  /// Runs a program to its end.
  private static func run(_ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: arguments[0])
    process.arguments = Array(arguments.dropFirst())
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// A library that sets a variable before `main`, as those that batch systems load into every process do.
  private static func preloadedLibrary(in folder: TemporaryFolder) throws -> String {
    let source = folder.file("preload.c")
    let library = folder.file("preload.so")
    let text = """
      #include <stdlib.h>
      __attribute__((constructor)) static void start(void) { setenv("PRELOADED", "1", 1); }
      """
    try text.write(toFile: source, atomically: true, encoding: .utf8)
    try #require(run(compiler + ["-shared", "-fPIC", "-o", library, source]) == 0)
    return library
  }

  @Test(
    .enabled("clang comes with Swift, but may be elsewhere") {
      try run(compiler + ["--version"]) == 0
    }, arguments: tools)
  func argumentsSurviveAPreloadedLibrary(tool: String) throws {
    let folder = try TemporaryFolder()
    let environment = ["LD_PRELOAD": try Self.preloadedLibrary(in: folder)]
    func run(_ arguments: [String]) throws -> ToolProcess.Result {
      let process = try ToolProcess(tool, arguments, environment: environment)
      try process.start()
      return try process.finish()
    }
    let version = try run(["--version"])
    #expect(version.status == 0)
    #expect(version.output == "0.1.0\n")
    let unknown = try run(["--no-such-option", "a b"])
    #expect(unknown.status == 64)
    #expect(unknown.errors.contains("no-such-option"))
  }

  @Test(arguments: tools)
  func nothingToDoIsAnError(tool: String) throws {
    for arguments in [[], ["--"]] {
      let result = try ToolProcess.run(tool, arguments)
      #expect(result.status == 64)
      #expect(result.output == "")
      #expect(result.errors.hasPrefix("Error: "))
      #expect(result.errors.contains("\(tool) "))
    }
  }
}
