import Foundation
import JSONText
import TestSupport
import Testing

/// Which weights a run results in, when it ends early, who is told, and what commands find around them.
@Suite struct OutcomeTests {
  /// Measures what the plan's test says for each episode, whatever the weights.
  private func evaluate(_ values: [Double], _ extra: String = "") -> String {
    """
    evaluate:
      metric: score
      command: [\(TrialRun.python), -c, "import os, json; print(json.dumps({{'score': \(values)[int(os.environ['IMWA_EPISODE'])]}}))"]
    \(extra)

    """
  }

  @Test(arguments: [("max", 2), ("min", 3)])
  func theBestIsTheResult(mode: String, episode: Int) throws {
    // The start is no result: nothing was averaged.
    let trial = try TrialRun(
      episodes: 4, extra: evaluate([9, 1, 5, 0.5, 3], "select: best"))
    let result = try trial.start(["--set", "evaluate.mode=\(mode)"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(try trial.final() == trial.folder.read("run/episode-00\(episode)/average.safetensors"))
    let status = try trial.tool(["status", "run"]).output
    #expect(status.contains("run/episode-00\(episode)/average.safetensors"), "\(status)")
    let json = try JSONValue(
      parsing: Array(try trial.tool(["status", "run", "--json"]).output.utf8))
    #expect(
      json["best_metric"]?["file"]?.string?.hasSuffix("episode-00\(episode)/average.safetensors")
        == true)
    #expect(json["start_metric"]?["value"]?.double == 9)
    // A result that went is put back.
    try FileManager.default.removeItem(atPath: trial.run + "/final.safetensors")
    #expect(try trial.resume().status == 0)
    #expect(try trial.final() == trial.folder.read("run/episode-00\(episode)/average.safetensors"))
  }

  @Test func theBestStaysOnTheDiskAndTheFormerOneGoes() throws {
    let trial = try TrialRun(
      episodes: 5, extra: evaluate([0, 1, 5, 3, 6, 2], "select: best\nkeep: last"))
    #expect(try trial.start().status == 0)
    let kept = try (1...5).filter {
      try trial.folder.names(in: "run/episode-00\($0)").contains("average.safetensors")
    }
    #expect(kept == [4, 5])
    #expect(try trial.final() == trial.folder.read("run/episode-004/average.safetensors"))
  }

  @Test func aRunEndsWhenNothingGetsBetter() throws {
    let trial = try TrialRun(
      episodes: 9, iterations: 90,
      extra: evaluate([0, 1, 5, 3, 4, 5, 6, 7, 8, 9], "stop: {after: 3}"))
    let result = try trial.start()
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("5 episodes of 2 members"))
    #expect(
      result.output.contains(
        "ended early: no better 'score' than 5 of episode 2 in 3 measured episodes"))
    #expect(try trial.events("averaged").count == 6)
    #expect(try trial.final() == trial.folder.read("run/episode-005/average.safetensors"))
    #expect(try trial.resume().errors.contains("the run is complete"))
    let page = try trial.tool(["report", "run", "-o", "-"]).output
    #expect(page.contains("Ended early: no better"))
  }

  @Test func whatIsWatchedMayBeAnotherNumber() throws {
    let trial = try TrialRun(
      episodes: 6, evaluates: true, extra: "stop: {after: 2, of: more.loss, mode: min}")
    #expect(try trial.start().status == 0)
    // It is the same in all episodes: the first one stays the best.
    #expect(try trial.events("averaged").count == 4)
  }

  @Test func aPauseLiesBetweenTries() throws {
    let trial = try TrialRun(["fail@1.1.1", "fail@1.1.2"], episodes: 1, extra: "backoff: 0.2s")
    let result = try trial.start()
    #expect(result.status == 0, "\(result.errors)")
    let submitted = try trial.events("submitted").filter { $0["task"]?.string == "member-1" }
      .compactMap { $0["time"]?.double }
    let failed = try trial.events("failed").compactMap { $0["time"]?.double }
    #expect(submitted.count == 3 && failed.count == 2)
    // The clock of a wall may be set meanwhile, but not backwards by as much.
    #expect(submitted[1] - failed[0] >= 0.19)
    #expect(submitted[2] - failed[1] >= 0.39)
  }

  @Test func variablesOfThePlanAreInTheEnvironment() throws {
    let trial = try TrialRun(
      episodes: 1,
      extra: """
        environment: {CUDA_VISIBLE_DEVICES: "{slot}", OMP_NUM_THREADS: 1, TAG: "run-{seed}"}
        executor: {devices: [3, 5]}
        """)
    #expect(try trial.start().status == 0)
    for (member, device) in [(1, 3), (2, 5)] {
      let spec = try JSONValue(
        parsing: try trial.folder.read("run/episode-001/member-\(member)/attempt-1/spec.json"))
      guard case .array(let entries)? = spec["environment"] else { return #expect(Bool(false)) }
      let texts = entries.compactMap(\.string)
      #expect(texts.contains("CUDA_VISIBLE_DEVICES=\(device)"))
      #expect(texts.contains("OMP_NUM_THREADS=1"))
      #expect(texts.contains { $0.hasPrefix("TAG=run-") && $0.count > 8 })
    }
  }

  @Test func aScriptThatChangedWhileTheRunStoodIsNamed() throws {
    let trial = try TrialRun(["fail@2.1.1", "fail@2.1.2"], extra: "attempts: 1")
    let script = try trial.folder.write(
      "trainer.py",
      text: String(
        decoding: try Data(contentsOf: URL(fileURLWithPath: TrialRun.trainer)), as: UTF8.self))
    let words = "train=[\(TrialRun.python), -I, -S, trainer.py, train, fail@2.1.1, fail@2.1.2]"
    #expect(try trial.start(["--set", words]).status == 65)
    let start = try #require(try trial.events("started").first)
    #expect(start["programs"]?[script]?.string?.count == 64)
    #expect(start["programs"]?[TrialRun.python] != nil)
    #expect(try !trial.resume().errors.contains("has changed"))
    let text = try String(contentsOfFile: script, encoding: .utf8)
    try trial.folder.write("trainer.py", text: text + "\n# a change\n")
    let changed = try trial.resume()
    #expect(changed.status == 0, "\(changed.errors)")
    #expect(changed.errors.contains("\(script) has changed since the run was last worked on"))
    #expect(try trial.events("resumed").map { $0["programs"] == nil } == [true, false])
  }

  @Test func somebodyIsTold() throws {
    let trial = try TrialRun(
      ["fail@3.1.1"], episodes: 3,
      extra: evaluate(
        [0, 1, 5, 3],
        "attempts: 1\nnotify: [sh, -c, 'echo \"$1 $2 $IMWA_EPISODE\" >> told', x, \"{event}\", \"{value}\"]"
      ))
    #expect(try trial.start().status == 65)
    #expect(try trial.resume().status == 0)
    let told = String(decoding: try trial.folder.read("told"), as: UTF8.self)
    // Nobody waits for one before the next.
    #expect(told.split(separator: "\n").sorted() == ["best 5 2", "failed  2", "finished  3"])
  }

  @Test func aNotificationThatFailsDoesNoHarm() throws {
    let trial = try TrialRun(episodes: 1, extra: "notify: [sh, -c, 'echo no; exit 3']")
    let result = try trial.start()
    #expect(result.status == 0)
    #expect(result.errors.contains("notify: the command did not end well"))
    #expect(try trial.folder.read("run/notify.log") == Array("no\n".utf8))
  }

  @Test func logsArePrinted() throws {
    let trial = try TrialRun(["fail@2.1.1"], evaluates: true)
    #expect(try trial.start().status == 0)
    let all = try trial.tool(["logs", "run"]).output
    #expect(all.contains("== episode 3, member 1, attempt 1: "))
    #expect(all.contains("== episode 3, evaluation of average, attempt 1: "))
    let member = try trial.tool(["logs", "run", "2", "--episode", "1"]).output
    #expect(member.split(separator: "\n").count == 12)
    #expect(member.hasPrefix("{\"iteration\": 1, "))
    #expect(try trial.tool(["logs", "run", "evaluate-average"]).output.contains("some talk"))
    let missing = try trial.tool(["logs", "run", "7"])
    #expect(missing.status == 66)
    #expect(missing.errors.contains("it has no attempt of '7'"))
  }
}
