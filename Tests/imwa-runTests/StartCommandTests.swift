import Foundation
import JSONText
import TestSupport
import Testing

/// Whole runs, as a user starts them.
@Suite struct StartCommandTests {
  @Test func aRunLeavesWhatItPromises() throws {
    let trial = try TrialRun(evaluates: true)
    let result = try trial.start()
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("wrote "))
    #expect(result.output.contains("3 episodes of 2 members"))
    let average = try trial.folder.read("run/episode-003/average.safetensors")
    #expect(try trial.final() == average)
    #expect(try trial.events("averaged").count == 4)
    #expect(try trial.events("measured").count == 1 + 9)
    #expect(try trial.events("finished").count == 1 + 6 + 1 + 9)
    #expect(try trial.folder.read("run/plan.yaml") == trial.folder.read("plan.yaml"))
    // The files of members stay for the last episode only, their logs always.
    let before = try trial.folder.names(in: "run/episode-002/member-1/attempt-1")
    #expect(before == ["exit.json", "log", "process.json", "spec.json"])
  }

  @Test func theAverageIsThatOfTheMembers() throws {
    let trial = try TrialRun(extra: "average: {weights: [1, 3]}\nkeep: all")
    #expect(try trial.start().status == 0)
    for episode in 1...3 {
      let first = try trial.values("episode-00\(episode)/member-1/attempt-1/model.safetensors")
      let second = try trial.values("episode-00\(episode)/member-2/attempt-1/model.safetensors")
      let expected = zip(first, second).map { Float(0.25 * Double($0) + 0.75 * Double($1)) }
      #expect(try trial.values("episode-00\(episode)/average.safetensors") == expected)
    }
  }

  @Test func runsOfTheSamePlanHaveTheSameBits() throws {
    let first = try TrialRun()
    let second = try TrialRun(extra: "executor: {local: serial}")
    #expect(try first.start().status == 0)
    #expect(try second.start().status == 0)
    #expect(try first.final() == second.final())
  }

  @Test func oneMemberInOneEpisodeIsPlainTraining() throws {
    let whole = try TrialRun(episodes: 1, members: 1)
    let parts = try TrialRun(episodes: 4, members: 1)
    #expect(try whole.start().status == 0)
    #expect(try parts.start().status == 0)
    #expect(try whole.final() == parts.final())
    let model = try whole.values("episode-001/member-1/attempt-1/model.safetensors")
    #expect(try whole.values("final.safetensors") == model)
  }

  @Test func aFolderWithARunIsNotTaken() throws {
    let trial = try TrialRun()
    #expect(try trial.start().status == 0)
    let again = try trial.start()
    #expect(again.status == 73)
    #expect(again.errors.contains("there is a run already"))
    try trial.folder.write("other/file", text: "x")
    let other = try trial.tool(["start", "plan.yaml", "--dir", "other"])
    #expect(other.status == 73)
    #expect(other.errors.contains("the folder is not empty"))
  }

  @Test func settingsAreKeptForTheRun() throws {
    let trial = try TrialRun()
    #expect(try trial.start(["--set", "episodes=2", "--json"]).status == 0)
    let status = try trial.tool(["status", "run", "--json"])
    let json = try JSONValue(parsing: Array(status.output.utf8))
    #expect(json["episodes"]?.integer == 2)
    #expect(json["state"]?.string == "completed")
  }

  @Test func aRunInItsOwnStartIsRefused() throws {
    let trial = try TrialRun(episodes: 1)
    #expect(try trial.start().status == 0)
    let model = try trial.final()
    let folder = try TemporaryFolder()
    try folder.write("hf/model.safetensors", model)
    try folder.write(
      "hf/plan.yaml", text: "iterations: 20\nepisodes: 2\ninit: ../hf\ntrain: [/bin/true]\n")
    let result = try ToolProcess.run(
      "imwa-run", ["start", "hf/plan.yaml", "--dir", "hf/run"], in: folder.path)
    #expect(result.status == 65)
    #expect(result.errors.contains("hf/plan.yaml:3:7: init: the run's folder"), "\(result.errors)")
    #expect(try folder.names(in: "hf") == ["model.safetensors", "plan.yaml"])
    try folder.write(
      "plan.yaml", text: "iterations: 20\nepisodes: 2\ninit: hf\nsuffix: .npz\ntrain: [/bin/true]\n"
    )
    let named = try ToolProcess.run("imwa-run", ["validate", "plan.yaml"], in: folder.path)
    #expect(named.errors.contains("plan.yaml:4:9: 'suffix' is for files, but init is a folder"))
  }

  @Test func theOptionsOfTheBuiltInTrainerAreChecked() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "plan.yaml",
      text: """
        iterations: 20
        init: {builtin: [--data, digits, --model, "mlp:x"]}
        suffix: .npz
        train: {builtin: [--dta, digits, [--loss, focal]]}
        evaluate: {builtin: [--data, digts], metric: accuracy}

        """)
    let errors = try ToolProcess.run("imwa-run", ["validate", "plan.yaml"], in: folder.path).errors
    for text in [
      "plan.yaml:2:17: init.command: imwa-train: ", "plan.yaml:4:18: train: Unknown option '--dta'",
      "plan.yaml:5:21: evaluate.command: imwa-train: ",
    ] {
      #expect(errors.contains(text), "\(errors)")
    }
  }

  @Test func aLostResultIsRestored() throws {
    let trial = try TrialRun(episodes: 2)
    #expect(try trial.start().status == 0)
    let result = try trial.final()
    for change in [[], result + [0]] {
      if change.isEmpty {
        try FileManager.default.removeItem(atPath: trial.run + "/final.safetensors")
      } else {
        try trial.folder.write("run/final.safetensors", change)
      }
      #expect(try trial.resume().status == 0)
      #expect(try trial.final() == result)
    }
    try trial.folder.write("run/episode-002/average.safetensors", [1])
    try trial.folder.write("run/final.safetensors", [1])
    let lost = try trial.resume()
    #expect(lost.status == 65)
    #expect(lost.errors.contains("final.safetensors: the result is missing or was changed"))
  }

  @Test func aRunWhosePlanHasMovedSaysSo() throws {
    let trial = try TrialRun(["fail"], extra: "attempts: 1")
    let other = try TemporaryFolder()
    #expect(try trial.start().status == 65)
    let moved = other.file("moved")
    try FileManager.default.moveItem(atPath: trial.run, toPath: moved)
    try FileManager.default.moveItem(atPath: trial.folder.path, toPath: other.file("base"))
    let result = try ToolProcess.run("imwa-run", ["resume", moved], in: other.path)
    #expect(result.status == 66)
    #expect(result.errors.contains("in which its commands run, is not there"), "\(result.errors)")
    try FileManager.default.moveItem(atPath: other.file("base"), toPath: trial.folder.path)
  }

  @Test func aCompleteRunIsNotRepeated() throws {
    let trial = try TrialRun()
    #expect(try trial.start().status == 0)
    let journal = try trial.folder.read("run/journal.jsonl")
    let again = try trial.resume()
    #expect(again.status == 0)
    #expect(again.errors.contains("the run is complete"))
    #expect(try trial.folder.read("run/journal.jsonl") == journal)
  }
}
