import Foundation
import JSONText
import TestSupport
import Testing

/// What the keys of a plan do to the weights.
@Suite struct ModeTests {
  private func mixed(_ first: [Float], _ second: [Float], _ a: Double, _ b: Double) -> [Float] {
    zip(first, second).map { pair in
      let sum: Double = a * Double(pair.0) + b * Double(pair.1)
      return Float(sum)
    }
  }

  private func mean(_ first: [Float], _ second: [Float]) -> [Float] {
    mixed(first, second, 0.5, 0.5)
  }

  @Test func theTrainersMovingAverageIsAveragedToo() throws {
    let trial = try TrialRun(episodes: 2, extra: "ema: trainer\nkeep: all")
    #expect(try trial.start().status == 0)
    for episode in 1...2 {
      let folder = "episode-00\(episode)"
      let members = try (1...2).map {
        try trial.values("\(folder)/member-\($0)/attempt-1/ema.safetensors")
      }
      #expect(try trial.values("\(folder)/ema.safetensors") == mean(members[0], members[1]))
    }
    // ω(E) is the result, and ω(0) = θ(0).
    #expect(try trial.values("final.safetensors") == trial.values("episode-002/ema.safetensors"))
    let start = try trial.values("episode-000/average.safetensors")
    let model = try trial.values("episode-001/member-1/attempt-1/model.safetensors")
    let ema = try trial.values("episode-001/member-1/attempt-1/ema.safetensors")
    #expect(ema == mixed(start, model, 0.9, 0.1))
  }

  @Test func aMovingAverageOverTheAverages() throws {
    let trial = try TrialRun(extra: "ema: {checkpoints: 0.75}")
    #expect(try trial.start().status == 0)
    var expected = try trial.values("episode-001/average.safetensors")
    for episode in 2...3 {
      let next = try trial.values("episode-00\(episode)/average.safetensors")
      expected = mixed(expected, next, 0.75, 0.25)
      #expect(try trial.values("episode-00\(episode)/ema.safetensors") == expected)
    }
    #expect(try trial.values("final.safetensors") == expected)
  }

  @Test func membersHaveSettingsOfTheirOwn() throws {
    let trial = try TrialRun(
      episodes: 1, extra: "member_settings: [{lr: 0.1}, {lr: 0}]\nrequire_change: no")
    #expect(try trial.start().status == 0)
    let start = try trial.values("episode-000/average.safetensors")
    #expect(try trial.values("episode-001/member-2/attempt-1/model.safetensors") == start)
    #expect(try trial.values("episode-001/member-1/attempt-1/model.safetensors") != start)
  }

  @Test func stateIsCarriedDroppedOrAveraged() throws {
    func count(_ policy: String, member: Int) throws -> (Float, UInt8) {
      let trial = try TrialRun(episodes: 3, extra: "state: \(policy)\nkeep: all")
      let result = try trial.start()
      #expect(result.status == 0, "\(result.errors)")
      let name = policy == "average" ? "state.safetensors" : "state"
      let bytes = try trial.folder.read("run/episode-003/member-\(member)/attempt-1/\(name)")
      let tensors = try SafetensorsFile.decode(bytes).tensors
      return (tensors["count"]?.floats[0] ?? -1, tensors["random"]?.bytes[0] ?? 0)
    }
    #expect(try count("carry", member: 1) == (36, 1))
    #expect(try count("average", member: 2) == (36, 2))
    // Without state, every episode counts from the start.
    let trial = try TrialRun(episodes: 3, extra: "state: reset\nkeep: all")
    #expect(try trial.start().status == 0)
    #expect(try !trial.folder.names(in: "run/episode-003/member-1/attempt-1").contains("state"))
  }

  @Test func averagedStateIsTheMeanAndTheMembersOwnIntegers() throws {
    let trial = try TrialRun(episodes: 1, extra: "state: average")
    #expect(try trial.start().status == 0)
    let momentum = try (1...2).map {
      try trial.values("episode-001/member-\($0)/attempt-1/state.safetensors", "momentum")
    }
    #expect(momentum[0] != momentum[1])
    for member in 1...2 {
      let state = try SafetensorsFile.decode(
        try trial.folder.read("run/episode-001/state-\(member).safetensors")
      ).tensors
      #expect(state["momentum"]?.floats == mean(momentum[0], momentum[1]))
      #expect(state["random"]?.bytes == [UInt8(member), 1, 2, 3])
    }
  }

  @Test func stateThatCannotBeAveragedIsRefused() throws {
    for (word, message) in [
      ("opaque-state", "'state: average' needs state files that are checkpoints"),
      ("no-state", "there is no file at 'state_out'"),
    ] {
      let trial = try TrialRun([word], episodes: 2, extra: "state: average\nattempts: 1")
      let result = try trial.start()
      #expect(result.status == 65)
      #expect(result.errors.contains(message), "\(result.errors)")
    }
  }

  @Test func aWarmStartComesBeforeTheFirstEpisode() throws {
    let trial = try TrialRun(episodes: 2, extra: "warm_start: 20\nkeep: all")
    #expect(try trial.start().status == 0)
    let log = String(
      decoding: try trial.folder.read("run/episode-000/warm-start/attempt-1/log"), as: UTF8.self)
    // The iterations before 0 are not of the T iterations.
    #expect(log.hasPrefix("{\"iteration\": -19,"))
    #expect(log.contains("{\"iteration\": 0,"))
    let warm = try trial.values("episode-000/warm-start/attempt-1/model.safetensors")
    #expect(try trial.values("episode-000/average.safetensors") == warm)
    // Its state goes to all members.
    let tensors = try SafetensorsFile.decode(
      try trial.folder.read("run/episode-001/member-2/attempt-1/state")
    ).tensors
    #expect(tensors["count"]?.floats == [20 + 18])
  }

  @Test func anAverageIsRecalibrated() throws {
    let trial = try TrialRun(
      episodes: 2,
      extra: "average: {recalibrate: [\(TrialRun.python), \"\(TrialRun.trainer)\", recalibrate]}")
    let result = try trial.start()
    #expect(result.status == 0, "\(result.errors)")
    let raw = try trial.values("episode-002/average-uncalibrated.safetensors", "b")
    #expect(try trial.values("episode-002/average.safetensors", "b") == raw.map { $0 + 1 })
  }

  @Test func theMovingAverageIsRecalibratedAndOldFilesGo() throws {
    let trial = try TrialRun(
      extra: """
        average: {recalibrate: [\(TrialRun.python), "\(TrialRun.trainer)", recalibrate]}
        ema: {checkpoints: 0.5}
        keep: last
        """)
    let result = try trial.start()
    #expect(result.status == 0, "\(result.errors)")
    let raw = try trial.values("episode-003/ema-uncalibrated.safetensors", "b")
    #expect(try trial.values("final.safetensors", "b") == raw.map { $0 + 1 })
    for name in ["recalibrate", "recalibrate-ema"] {
      let files = (2...3).map { "run/episode-00\($0)/\(name)/attempt-1" }
      #expect(try trial.folder.names(in: files[0]).contains("model.safetensors") == false)
      #expect(try trial.folder.names(in: files[1]).contains("model.safetensors"))
    }
  }

  @Test func devicesAreHandedOut() throws {
    let trial = try TrialRun(
      episodes: 2, members: 3,
      extra: "executor: {local: parallel, devices: [\"cuda:0\", \"cuda:1\"]}\nkeep: all")
    #expect(try trial.start().status == 0)
    var slots: Set<String> = []
    for member in 1...3 {
      let bytes = try trial.folder.read("run/episode-001/member-\(member)/attempt-1/spec.json")
      guard case .array(let entries)? = try JSONValue(parsing: bytes)["environment"] else { return }
      slots.formUnion(entries.compactMap(\.string).filter { $0.hasPrefix("IMWA_SLOT=") })
    }
    #expect(slots == ["IMWA_SLOT=cuda:0", "IMWA_SLOT=cuda:1"])
  }

  @Test func whatIsNotKeptGoes() throws {
    let trial = try TrialRun(
      episodes: 5, iterations: 60, extra: "keep: {averages: {every: 2}, members: {last: 2}}")
    #expect(try trial.start().status == 0)
    let kept = (0...5).filter {
      FileManager.default.fileExists(atPath: trial.run + "/episode-00\($0)/average.safetensors")
    }
    #expect(kept == [0, 2, 4, 5])
    let members = (1...5).filter {
      FileManager.default.fileExists(
        atPath: trial.run + "/episode-00\($0)/member-1/attempt-1/model.safetensors")
    }
    #expect(members == [4, 5])
  }

  @Test func aCheckpointIsTheStart() throws {
    let trial = try TrialRun(episodes: 1)
    let start = SafetensorsFile.encode([SafetensorsFile.Entry("a", [1, 2, 3])])
    try trial.folder.write("start.safetensors", start)
    #expect(try trial.start(["--set", "init=start.safetensors"]).status == 0)
    #expect(try trial.folder.read("run/episode-000/average.safetensors") == start)
    let missing = try trial.tool(["validate", "plan.yaml", "--set", "init=nothing.safetensors"])
    #expect(missing.status == 65)
    #expect(missing.errors.contains("no such file or folder"))
  }
}
