import Foundation
import TestSupport
import Testing

/// The manual page, the help texts and the options say the same.
@Suite struct ManualTests {
  private static let commands = ["init", "step", "evaluate", "predict", "experiment", "kernels"]

  private func options(of command: String) throws -> Set<String> {
    let help = try ToolProcess.run("imwa-train", [command, "--help"])
    #expect(help.status == 0)
    let words = help.output.split { !($0.isLetter || $0.isNumber || $0 == "-") }
    return Set(words.filter { $0.hasPrefix("--") && $0.count > 3 }.map { String($0.dropFirst(2)) })
  }

  @Test func everyOptionIsInTheManual() throws {
    let page = try String(
      contentsOf: Fixtures.package.appendingPathComponent("man/imwa-train.1"), encoding: .utf8)
    let documented = Set(
      page.split(separator: "\n").filter { $0.hasPrefix(".It Fl") }.flatMap { line in
        line.split(separator: " ").filter { $0.hasPrefix("-") }.map { String($0.dropFirst()) }
      })
    let known = try Self.commands.reduce(into: Set<String>()) {
      $0.formUnion(try options(of: $1))
    }
    #expect(known.subtracting(documented) == [])
    #expect(documented.subtracting(known) == [])
  }

  @Test func helpTellsTheExitCodes() throws {
    for command in Self.commands {
      let help = try ToolProcess.run("imwa-train", [command, "--help"]).output
      for code in ["64", "65", "66", "73", "74", "130"] { #expect(help.contains(code)) }
    }
  }

  @Test func versionAndKernelsArePrinted() throws {
    #expect(try ToolProcess.run("imwa-train", ["--version"]).output == "0.1.0\n")
    let kernels = try ToolProcess.run("imwa-train", ["kernels"])
    #expect(kernels.output.count > 2 && kernels.output.hasSuffix("\n"))
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreMade(shell: String) throws {
    let script = try ToolProcess.run("imwa-train", ["--generate-completion-script", shell])
    #expect(script.status == 0)
    #expect(script.output.contains("warmup-iterations"))
  }
}
