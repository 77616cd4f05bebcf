import Foundation
import JSONText
import TestSupport
import Testing

/// What is found before a run begins.
@Suite struct RehearsalTests {
  @Test func aSoundPlanIsRehearsedAndLeavesNothing() throws {
    let trial = try TrialRun(evaluates: true, extra: "ema: trainer\nwarm_start: 5\nstate: carry")
    let result = try trial.tool(["try", "plan.yaml"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("plan.yaml: rehearsed in "))
    #expect(try trial.folder.names() == ["plan.yaml"])
  }

  /// Each fails in another step of a run.
  @Test(arguments: [
    (["fail"], "", "the command ended with exit code 3"),
    (["nan@2.2"], "", "episode 2, member 2, attempt 1: tensor 'a' of out has NaN"),
    (["ignores-seed"], "", "members 1 and 2 have the same bits"),
    (["no-state"], "state: average", "there is no file at 'state_out'"),
    (["unchanged"], "", "the weights of out are those it started from"),
    ([], "average: {recalibrate: [sh, -c, 'exit 7']}", "the command ended with exit code 7"),
    (["no-number"], "", "evaluation of average: the evaluation printed no JSON object"),
    (["no-number@2.1"], "", "evaluation of member-1: the evaluation printed no JSON object"),
  ])
  func whatWouldFailIsSaid(words: [String], extra: String, message: String) throws {
    let trial = try TrialRun(words, episodes: 20, iterations: 40_000, evaluates: true, extra: extra)
    let result = try trial.tool(["try", "plan.yaml"])
    #expect(result.status == 65)
    #expect(result.errors.contains("the rehearsal failed: "))
    #expect(result.errors.contains(message), "\(result.errors)")
    // The logs stay, until the next one.
    #expect(try trial.folder.names() == ["plan-try", "plan.yaml"])
    #expect(try trial.tool(["try", "plan.yaml"]).status == 65)
  }

  @Test func commandsAreToldTheWholeTrainingAndThatItIsARehearsal() throws {
    let trial = try TrialRun(["fail"], episodes: 20, iterations: 4000)
    #expect(try trial.tool(["try", "plan.yaml", "--dir", "t"]).status == 65)
    let spec = try JSONValue(
      parsing: try trial.folder.read("t/episode-001/member-1/attempt-1/spec.json"))
    guard case .array(let entries)? = spec["environment"] else { return #expect(Bool(false)) }
    let texts = Set(entries.compactMap(\.string))
    #expect(
      texts.isSuperset(of: [
        "IMWA_TOTAL_ITERATIONS=4000", "IMWA_TO_ITERATION=1", "IMWA_REHEARSAL=1",
      ]))
  }

  @Test func startRehearsesWhereThatIsCheap() throws {
    let trial = try TrialRun(["fail@2.1"], episodes: 2, iterations: 200, extra: "attempts: 1")
    let result = try trial.start()
    #expect(result.status == 65)
    #expect(result.errors.contains("the rehearsal failed: episode 2, member 1"))
    #expect(try trial.folder.names() == ["plan.yaml", "run.try"])
    let unasked = try trial.start(["--no-try"])
    #expect(unasked.status == 65)
    #expect(!unasked.errors.contains("rehearsal"))
    #expect(try trial.events("averaged").count == 2)
  }

  @Test func anotherRunIsNotReplaced() throws {
    let trial = try TrialRun(episodes: 1)
    #expect(try trial.start().status == 0)
    let result = try trial.tool(["try", "plan.yaml", "--dir", "run"])
    #expect(result.status == 73)
    #expect(try trial.final().isEmpty == false)
  }

  @Test(arguments: [
    ("[python3, train.pyy, config.yaml]", "'config.yaml' looks like a file, but there is none in"),
    ("[python3, missing.py]", "'missing.py' looks like a file, but there is none in"),
    ("[python3, -u, --config=run/conf.toml]", "'run/conf.toml' looks like a file"),
    ("[python3, -c, x, ~/data]", "'~/data': no shell reads it, and '~' stays as it is"),
    ("[python3, -c, x, --data=~/data]", "'--data=~/data': no shell reads it"),
    ("[python3, -c, x, $HOME/data]", "'$HOME' stays as it is"),
    ("[python3, -c, x, 'a/*.npz']", "'*' stays as it is"),
    ("[python3, -c, x, '{init}']", "train: {out} is not used; is IMWA_OUT read?"),
    ("[python3, -c, x, '{init}']", "train: {episode_seed} or {seed} is not used"),
    ("[python3, -c, x, '{init}', '{lr}']", "train: {name} is not used; is IMWA_NAME read?"),
  ])
  func whatLooksLikeASlipIsNoted(command: String, note: String) throws {
    let trial = try TrialRun(extra: "member_settings: [{lr: 1, name: a}, {lr: 2, name: b}]")
    let result = try trial.tool(["validate", "plan.yaml", "--set", "train=\(command)"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("imwa-run: note: "))
    #expect(result.errors.contains(note), "\(result.errors)")
  }

  @Test(arguments: [
    "[python3, -c, x]", "[sh, -c, 'ls ~/x $HOME']", "[python3, -c, x, --log-file, new.yaml]",
    "[python3, -c, x, 'https://a.example/b.json']", "[python3, -c, x, plan.yaml, 'costs $5']",
    "[python3, -c, x, '{init}', '{out}', '{seed}', '{to_iteration}', [--state, '{state_in}', '{state_out}']]",
  ])
  func whatIsMeantIsNot(command: String) throws {
    let trial = try TrialRun()
    let result = try trial.tool(["validate", "plan.yaml", "--set", "train=\(command)"])
    #expect(result.status == 0)
    #expect(result.errors == "")
  }

  @Test(arguments: ["keras", "pytorch"])
  func aTrainerComesWithThePlan(name: String) throws {
    let folder = try TemporaryFolder()
    let words = ["init", "--for", name, "--trainer", "my trainer.py"]
    let plan = try ToolProcess.run("imwa-run", words, in: folder.path)
    #expect(plan.status == 0, "\(plan.errors)")
    let example = Fixtures.package.appendingPathComponent("examples/train_\(name).py")
    #expect(try folder.read("my trainer.py") == Array(Data(contentsOf: example)))
    try folder.write("plan.yaml", text: plan.output)
    let valid = try ToolProcess.run(
      "imwa-run",
      [
        "validate", "plan.yaml", "--set", "init.command=[sh]", "--set", "evaluate=", "--set",
        "train=[sh]",
      ],
      in: folder.path)
    #expect(valid.status == 0, "\(valid.errors)")
    #expect(plan.output.contains("'my trainer.py'"))
    // What is there is not replaced.
    #expect(try ToolProcess.run("imwa-run", words, in: folder.path).status == 73)
    let builtIn = try ToolProcess.run(
      "imwa-run", ["init", "--for", "builtin", "--trainer", "x.py"], in: folder.path)
    #expect(builtIn.status == 64)
  }
}
