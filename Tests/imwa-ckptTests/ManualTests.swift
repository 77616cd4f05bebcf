import Checkpoints
import Foundation
import TestSupport
import Testing

/// The manual pages, the help texts and the options say the same.
@Suite struct ManualTests {
  private static let commands = ["show", "convert", "verify", "diff", "hash"]

  private func page(_ name: String) throws -> String {
    try String(
      contentsOf: Fixtures.package.appendingPathComponent("man/\(name)"), encoding: .utf8)
  }

  private func help(_ command: String) throws -> String {
    let help = try ToolProcess.run("imwa-ckpt", [command, "--help"])
    #expect(help.status == 0)
    return help.output
  }

  @Test func everyOptionIsInTheManual() throws {
    let documented = Set(
      try page("imwa-ckpt.1").split(separator: "\n").filter { $0.hasPrefix(".It Fl") }
        .flatMap { line in
          line.split(separator: " ").filter { $0.hasPrefix("-") }.map { String($0.dropFirst()) }
        })
    var known: Set<String> = []
    for command in ManualTests.commands {
      let words = try help(command).split { !($0.isLetter || $0.isNumber || $0 == "-") }
      let options = words.filter { $0.hasPrefix("--") && $0.count > 3 }
      known.formUnion(options.map { String($0.dropFirst(2)) })
    }
    #expect(known.subtracting(documented) == [])
    #expect(documented.subtracting(known) == [])
  }

  @Test(arguments: ManualTests.commands)
  func helpTellsTheExitCodes(command: String) throws {
    let text = try help(command)
    for code in ["64", "65", "66", "73", "74", "130"] { #expect(text.contains(code)) }
    #expect(text.contains("\n  1    ") == ["verify", "diff"].contains(command))
    #expect(try page("imwa-ckpt.1").contains(".Ss \(command)\n") || command.isEmpty)
  }

  @Test func everyFormatHasItsSection() throws {
    let formats = try page("imwa-formats.5")
    for format in CheckpointFormats.all {
      #expect(formats.contains(".Ss \(format.name)\n"))
      for suffix in format.suffixes { #expect(formats.contains(suffix)) }
    }
  }

  @Test func versionIsPrinted() throws {
    #expect(try ToolProcess.run("imwa-ckpt", ["--version"]).output == "0.1.0\n")
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreMade(shell: String) throws {
    let script = try ToolProcess.run("imwa-ckpt", ["--generate-completion-script", shell])
    #expect(script.status == 0)
    #expect(script.output.contains("skip-unsupported"))
  }
}
