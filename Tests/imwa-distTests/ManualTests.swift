import Foundation
import TestSupport
import Testing
import WeightDistance

/// The manual page, the help texts and the options say the same.
@Suite struct ManualTests {
  private func options() throws -> Set<String> {
    let help = try ToolProcess.run("imwa-dist", ["--help"])
    #expect(help.status == 0)
    let words = help.output.split { !($0.isLetter || $0.isNumber || $0 == "-") }
    return Set(words.filter { $0.hasPrefix("--") && $0.count > 3 }.map { String($0.dropFirst(2)) })
  }

  @Test func everyOptionIsInTheManual() throws {
    let page = try String(
      contentsOf: Fixtures.package.appendingPathComponent("man/imwa-dist.1"), encoding: .utf8)
    let documented = Set(
      page.split(separator: "\n").filter { $0.hasPrefix(".It Fl") }.flatMap { line in
        line.split(separator: " ").filter { $0.hasPrefix("-") }.map { String($0.dropFirst()) }
      })
    let known = try options()
    #expect(known.subtracting(documented) == [])
    #expect(documented.subtracting(known) == [])
  }

  @Test func helpTellsTheExitCodes() throws {
    let help = try ToolProcess.run("imwa-dist", ["--help"]).output
    for code in ["1 ", "64", "65", "66", "73", "74", "130"] { #expect(help.contains(code)) }
  }

  @Test func everyMetricIsInTheManual() throws {
    let page = try String(
      contentsOf: Fixtures.package.appendingPathComponent("man/imwa-dist.1"), encoding: .utf8)
    for metric in DistanceMetrics.all { #expect(page.contains(".It Cm \(metric.name)\n")) }
  }

  @Test func versionIsPrinted() throws {
    #expect(try ToolProcess.run("imwa-dist", ["--version"]).output == "0.1.0\n")
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreMade(shell: String) throws {
    let script = try ToolProcess.run("imwa-dist", ["--generate-completion-script", shell])
    #expect(script.status == 0)
    #expect(script.output.contains("fail-above"))
  }
}
