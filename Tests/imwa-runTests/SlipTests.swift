import Foundation
import JSONText
import TestSupport
import Testing

/// Slips of users, each of which once cost a run.
@Suite struct SlipTests {
  @Test func aMisspeltMetricIsFoundBeforeTrainingAndCanBeMended() throws {
    let trial = try TrialRun(evaluates: true)
    let result = try trial.start(["--set", "evaluate.metric=accurcy"])
    #expect(result.status == 65)
    #expect(
      result.errors.contains("it printed accuracy, more.loss, recall.0; did you mean 'accuracy'?"))
    #expect(try trial.events("submitted").allSatisfy { $0["episode"]?.integer == 0 })
    let again = try trial.resume(["--set", "evaluate.metric=accuracy"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(try trial.final() == TrialRun.undisturbed.get())
  }

  /// What was measured before is looked up under the new name.
  @Test func anotherMetricIsReadFromWhatWasPrinted() throws {
    let trial = try TrialRun(["fail@3.1.1"], evaluates: true, extra: "attempts: 1")
    #expect(try trial.start(["--set", "evaluate.on=[averages]"]).status == 65)
    #expect(try trial.resume(["--set", "evaluate.metric=more.loss"]).status == 0)
    let csv = try trial.tool(["report", "run", "--json"]).output
    let rows = try JSONValue(parsing: Array(csv.utf8))
    guard case .array(let elements) = rows else { return #expect(Bool(false), "no list") }
    #expect(elements.map { $0["metric_average"]?.double } == [1.5, 1.5, 1.5, 1.5])
  }

  @Test func aMetricThatIsNotANumberIsRecorded() throws {
    let trial = try TrialRun(["nan-metric@2.0.1"], evaluates: true)
    let result = try trial.start(["--set", "evaluate.on=[averages]"])
    #expect(result.status == 0, "\(result.errors)")
    let measured = try trial.events("measured")
    #expect(measured.map { $0["value"] == .null } == [false, false, true, false])
    #expect(measured[2]["problem"]?.string == "'accuracy' is not a finite number")
    #expect(result.errors.contains("episode 2: accuracy 'accuracy' is not a finite number"))
  }

  @Test func aFailedEvaluationMayBeNoted() throws {
    let trial = try TrialRun(["no-number@2.1.*"], evaluates: true, extra: "attempts: 2")
    let result = try trial.start(["--set", "evaluate.failure=note"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(try trial.final() == TrialRun.undisturbed.get())
    let problems = try trial.events("measured").compactMap { $0["problem"]?.string }
    #expect(problems.count == 1)
    #expect(problems[0].hasPrefix("the evaluation printed no JSON object"))
    #expect(result.errors.contains("it is noted, and the run goes on"))
  }

  @Test func evaluationHasATimeOfItsOwn() throws {
    let trial = try TrialRun(["hang@1.0.1"], episodes: 1, evaluates: true, extra: "timeout: 1h")
    let result = try trial.start([
      "--set", "evaluate.timeout=1s", "--set", "evaluate.on=[averages]",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(try trial.events("failed").map { $0["cause"]?.string } == ["timeout"])
    #expect(
      result.errors.contains(
        "evaluation of average, attempt 1: it took longer than the 'timeout' of 1 s"))
  }

  @Test func oneProcessMeasuresAllFiles() throws {
    let apart = try TrialRun(evaluates: true)
    #expect(try apart.start().status == 0)
    let trial = try TrialRun()
    let result = try trial.start([
      "--set",
      "evaluate={metric: accuracy, on: [averages, members], command: [\(TrialRun.python), -I, -S, "
        + "\"\(TrialRun.trainer)\", evaluate, together, \"{inits}\"]}",
    ])
    #expect(result.status == 0, "\(result.errors)")
    func values(_ trial: TrialRun) throws -> [String] {
      try trial.events("measured").map {
        "\($0["episode"]?.integer ?? -1) \($0["subject"]?.string ?? "") \($0["value"]?.double ?? .nan)"
      }.sorted()
    }
    #expect(try values(trial) == values(apart))
    #expect(try trial.events("finished").filter { $0["task"]?.string == "evaluate" }.count == 4)
  }

  @Test func membersThatAreTheSameAreAnError() throws {
    let trial = try TrialRun(["ignores-seed"])
    let result = try trial.start()
    #expect(result.status == 65)
    #expect(result.errors.contains("episode 1: members 1 and 2 have the same bits"))
    #expect(try trial.events("averaged").count == 1)
    #expect(try trial.resume().status == 65)
    let allowed = try trial.resume(["--set", "require_difference=false"])
    #expect(allowed.status == 0, "\(allowed.errors)")
  }

  @Test func oneEqualPairAmongManyIsFound() throws {
    let trial = try TrialRun(["ignores-seed@1.2", "ignores-seed@1.4"], members: 4)
    let result = try trial.start()
    #expect(result.status == 65)
    #expect(result.errors.contains("members 2 and 4 have the same bits"), "\(result.errors)")
  }

  /// However short an episode is: an iteration may be an epoch.
  @Test func weightsThatDoNotChangeAreAnError() throws {
    let trial = try TrialRun(["unchanged@1.1"], episodes: 3, iterations: 3, extra: "attempts: 1")
    let result = try trial.start()
    #expect(result.status == 65)
    #expect(result.errors.contains("the weights of out are those it started from"))
    #expect(try trial.resume(["--set", "require_change=false"]).status == 0)
  }

  @Test func theStartHasNoOptimizerInAnyEpisode() throws {
    let trial = try TrialRun(episodes: 2)
    try trial.folder.write(
      "start.safetensors",
      SafetensorsFile.encode([
        SafetensorsFile.Entry("a", [1, 2, 3]), SafetensorsFile.Entry("b", [1, 2]),
        SafetensorsFile.Entry("optimizer.state.0", [1, 2]),
      ]))
    let result = try trial.start(["--set", "init=start.safetensors"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("a tensor of an optimizer's state left out"))
    for episode in 0...2 {
      let bytes = try trial.folder.read("run/episode-00\(episode)/average.safetensors")
      #expect(try SafetensorsFile.decode(bytes).tensors.keys.sorted() == ["a", "b"])
    }
  }

  @Test(arguments: ["tqdm-bar", "keras-bar"])
  func lossesAreFoundBehindProgressBars(bar: String) throws {
    let trial = try TrialRun([bar], episodes: 1)
    #expect(try trial.start().status == 0)
    let losses = try trial.events("finished").compactMap { $0["loss"]?.double }
    #expect(losses == [1 / 37.0, 1 / 37.0])
    let curves = try trial.events("curve")
    #expect(curves.count == 2)
    guard case .array(let points)? = curves[0]["points"] else { return #expect(Bool(false)) }
    #expect(points.count == 36)
    #expect(points[35] == .array([.integer(36), .float(1 / 37.0)]))
  }
}
