import Testing
import YAMLText

@testable import Episodes

@Suite struct CommandTemplateTests {
  @Test func aListBecomesSeveralWordsWhereItStandsAlone() throws {
    let plan = try PlanReaderTests.read(
      PlanReaderTests.sound
        + "evaluate: {command: [x, '{inits}', '--all={inits}', [-n, '{inits}']], metric: a}\n")
    let files = ["a b", "c\nd"]
    let words = plan.evaluate?.command.expanded(["inits": "joined"], lists: ["inits": files])
    #expect(words == ["x", "a b", "c\nd", "--all=joined", "-n", "a b", "c\nd"])
  }

  private func template(_ text: String) throws -> (CommandTemplate, [YAMLProblem]) {
    var problems: [YAMLProblem] = []
    let template = CommandTemplate(
      try YAMLNode(parsing: Array(text.utf8)), called: "train", names: ["init", "out"],
      optional: ["state_in"], problems: &problems)
    return (template, problems)
  }

  @Test(arguments: [
    ("[a, '{init}']", ["a", "I"]),
    ("[a, '--x={init}-{out}']", ["a", "--x=I-O"]),
    ("[a, [--state, '{state_in}'], b]", ["a", "b"]),
    ("[a, [--init, '{init}']]", ["a", "--init", "I"]),
    ("[a, '{{init}}', '{{{init}}}', '}']", ["a", "{init}", "{I}", "}"]),
    ("[a, 5, true, '']", ["a", "5", "true", ""]),
  ])
  func expansion(text: String, words: [String]) throws {
    let (template, problems) = try template(text)
    #expect(problems.isEmpty)
    #expect(template.expanded(["init": "I", "out": "O"]) == words)
  }

  @Test func aGroupStaysWhenItsPlaceholdersHaveValues() throws {
    let (template, _) = try template("[a, [--state, '{state_in}']]")
    #expect(template.expanded(["state_in": "S"]) == ["a", "--state", "S"])
  }

  @Test(arguments: ["[]", "x", "[a, {b: c}]", "[[a]]", "[a, '{nothing}']", "[a, '{state_in}']"])
  func whatMakesNoSenseIsAProblem(text: String) throws {
    #expect(try template(text).1.count == 1)
  }
}
