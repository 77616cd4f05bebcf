import Foundation
import TestSupport
import Testing

/// The manual pages, the help texts, the options and the keys say the same.
@Suite struct ManualTests {
  static let commands = [
    "init", "validate", "try", "start", "resume", "status", "logs", "report", "stop", "repair",
    "demo",
  ]

  private func page(_ name: String) throws -> String {
    try String(
      contentsOf: Fixtures.package.appendingPathComponent("man/\(name)"), encoding: .utf8)
  }

  @Test func everyOptionIsInTheManual() throws {
    let documented = Set(
      try page("imwa-run.1").split(separator: "\n").filter { $0.hasPrefix(".It Fl") }
        .flatMap { line in
          line.split(separator: " ").filter { $0.hasPrefix("-") }.map { String($0.dropFirst()) }
        })
    var known: Set<String> = []
    for command in ManualTests.commands {
      let help = try ToolProcess.run("imwa-run", [command, "--help"])
      #expect(help.status == 0)
      for code in ["64", "65", "66", "73", "74", "130"] { #expect(help.output.contains(code)) }
      // The discussion names options of other tools; those of this one start a line.
      for line in help.output.split(separator: "\n") where line.hasPrefix("  -") {
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "-") }
        known.formUnion(words.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) })
      }
    }
    #expect(known.subtracting(documented) == [])
    #expect(documented.subtracting(known) == [])
  }

  @Test func everyKeyIsInTheManual() throws {
    let keys = Set(
      try page("imwa-plan.5").split(separator: "\n").filter { $0.hasPrefix(".It Cm") }
        .map { String($0.dropFirst(7)) })
    // A plan with a wrong key is told all keys.
    let folder = try TemporaryFolder()
    var known: Set<String> = []
    for (text, marker) in [
      ("xyzzyxyzzy: 1", "known keys are "), ("average: {xyzzyxyzzy: 1}", "known keys are "),
      ("evaluate: {xyzzyxyzzy: 1}", "known keys are "),
      ("executor: {xyzzyxyzzy: 1}", "known keys are "),
      ("keep: {xyzzyxyzzy: 1}", "known keys are "), ("stop: {xyzzyxyzzy: 1}", "known keys are "),
    ] {
      try folder.write("plan.yaml", text: text)
      let errors = try ToolProcess.run("imwa-run", ["validate", "plan.yaml"], in: folder.path)
        .errors
      let line = try #require(errors.split(separator: "\n").first { $0.contains(marker) })
      known.formUnion(line.components(separatedBy: marker)[1].components(separatedBy: ", "))
    }
    #expect(known.subtracting(keys) == ["averages", "builtin"])
    #expect(keys.subtracting(known) == [])
  }

  @Test func everyPlaceholderIsInTheManual() throws {
    let manual = try page("imwa-trainer.7")
    let folder = try TemporaryFolder()
    try folder.write("plan.yaml", text: "train: [a, '{xyzzyxyzzy}']\n")
    let errors = try ToolProcess.run("imwa-run", ["validate", "plan.yaml"], in: folder.path).errors
    let names = errors.components(separatedBy: "it has ")[1].split(separator: " ")
      .prefix { $0.hasPrefix("{") }.map { $0.filter { $0.isLetter || $0 == "_" } }
    #expect(names.count == 15)
    for name in names { #expect(manual.contains(name), "\(name)") }
  }

  @Test(arguments: ["keras", "pytorch", "builtin"])
  func templatesArePlans(name: String) throws {
    let folder = try TemporaryFolder()
    let plan = try ToolProcess.run("imwa-run", ["init", "--for", name])
    #expect(plan.status == 0)
    try folder.write("plan.yaml", text: plan.output)
    // Programs and scripts may be missing here; keys and placeholders are right.
    let errors = try ToolProcess.run("imwa-run", ["validate", "plan.yaml"], in: folder.path).errors
    let lines = errors.split(separator: "\n").filter { $0.contains("plan.yaml") }
    #expect(
      lines.allSatisfy {
        $0.contains("there is no program") || $0.contains("looks like a file, but there is none")
      }, "\(errors)")
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreMade(shell: String) throws {
    let script = try ToolProcess.run("imwa-run", ["--generate-completion-script", shell])
    #expect(script.status == 0)
    #expect(script.output.contains("watch"))
  }

  @Test func versionIsPrinted() throws {
    #expect(try ToolProcess.run("imwa-run", ["--version"]).output == "0.1.0\n")
  }
}
