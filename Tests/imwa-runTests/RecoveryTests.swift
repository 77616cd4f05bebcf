import Foundation
import JSONText
import TestSupport
import Testing

/// Runs that are ended in the middle.
@Suite struct RecoveryTests {
  /// Waits until a condition holds; fails after some seconds.
  private func wait(
    _ what: String, for condition: () throws -> Bool, location: SourceLocation = #_sourceLocation
  ) throws {
    for _ in 0..<1000 {
      if (try? condition()) == true { return }
      usleep(10_000)
    }
    Issue.record("waited in vain for \(what)", sourceLocation: location)
  }

  private func undisturbed() throws -> [UInt8] { try TrialRun.undisturbed.get() }

  private func areReady(_ trial: TrialRun) throws -> Bool {
    try (1...2).allSatisfy {
      !(try trial.folder.read("run/episode-002/member-\($0)/attempt-1/log")).isEmpty
    }
  }

  /// Starts a run whose first attempts of episode 2 hang, and waits until they do.
  private func hanging(_ word: String = "hang@2.*.1", extra: String = "") throws -> (
    TrialRun, ToolProcess
  ) {
    let trial = try TrialRun([word], extra: extra)
    let process = try ToolProcess(
      "imwa-run", ["start", "plan.yaml", "--dir", "run"], in: trial.folder.path)
    try process.start()
    // They have set what they do with signals when they say so.
    try wait("two members that hang") { try areReady(trial) }
    return (trial, process)
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func aSignalStopsCleanly(signal: Int32) throws {
    let (trial, process) = try hanging()
    process.send(signal)
    let result = try process.finish()
    #expect(result.status == 128 + signal)
    #expect(result.errors.contains("imwa-run resume"))
    #expect(try trial.leftBehind() == [])
    #expect(try trial.events("failed").allSatisfy { $0["cause"]?.string == "cancelled" })
    #expect(try trial.events("stopped").count == 1)
    #expect(try trial.resume().status == 0)
    #expect(try trial.final() == undisturbed())
  }

  @Test func aSecondSignalEndsAtOnce() throws {
    let (trial, process) = try hanging("stubborn@2.*.1")
    process.send(SIGINT)
    usleep(200_000)
    process.send(SIGINT)
    #expect(try process.finish().status == 130)
    // The supervisors have been asked already: nothing stays behind.
    try wait("the end of the trainers") { try trial.processes().isEmpty }
    #expect(try trial.resume().status == 0)
    #expect(try trial.final() == undisturbed())
  }

  @Test func aKilledRunnersMembersAreAdopted() throws {
    let trial = try TrialRun(["slow@2.*.1"])
    let process = try ToolProcess(
      "imwa-run", ["start", "plan.yaml", "--dir", "run"], in: trial.folder.path)
    try process.start()
    try wait("episode 2") { try areReady(trial) }
    process.send(SIGKILL)
    _ = try process.finish()
    let result = try trial.resume()
    #expect(result.status == 0, "\(result.errors)")
    // Nothing is done twice.
    #expect(try trial.events("submitted").count == 7)
    #expect(try trial.events("failed").isEmpty)
    #expect(try trial.final() == undisturbed())
  }

  @Test func trainersAndSupervisorsThatAreKilledAreReplaced() throws {
    let (trial, process) = try hanging()
    process.send(SIGKILL)
    _ = try process.finish()
    for line in try trial.processes() {
      if let number = Int32(line.prefix { $0 != " " }) { kill(number, SIGKILL) }
    }
    try wait("the end of all processes") { try trial.processes().isEmpty }
    let result = try trial.resume()
    #expect(result.status == 0, "\(result.errors)")
    #expect(try trial.final() == undisturbed())
    #expect(try trial.events("failed").allSatisfy { $0["cause"]?.string == "lost" })
  }

  @Test func aSupervisorThatIsKilledTakesItsTrainerAlong() throws {
    let (trial, process) = try hanging()
    let supervisors = try trial.processes().filter { $0.contains("supervise") }
    #expect(supervisors.count == 2)
    for line in supervisors { kill(Int32(line.prefix { $0 != " " }) ?? 0, SIGKILL) }
    let result = try process.finish()
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("it was lost"))
    #expect(try trial.leftBehind() == [])
    #expect(try trial.final() == undisturbed())
  }

  @Test func stopEndsARunAndWhatAKilledRunnerLeft() throws {
    let (trial, process) = try hanging()
    let first = try trial.tool(["stop", "run"])
    #expect(first.status == 0)
    #expect(try process.finish().status == 143)
    #expect(try trial.leftBehind() == [])

    let (other, killed) = try hanging()
    killed.send(SIGKILL)
    _ = try killed.finish()
    let second = try other.tool(["stop", "run"])
    #expect(second.output.contains("2 left behind"))
    #expect(try other.leftBehind() == [])
    #expect(try other.resume().status == 0)
  }

  @Test func twoRunnersDoNotWorkOnOneRun() throws {
    let (trial, process) = try hanging()
    let second = try trial.resume()
    #expect(second.status == 73)
    #expect(second.errors.contains("the run is being worked on already (process "))
    let status = try trial.tool(["status", "run"])
    #expect(status.output.contains("run: running, 1 of 3 episodes"))
    process.send(SIGTERM)
    _ = try process.finish()
  }

  @Test func aLineThatWasNotWrittenToItsEndIsForgotten() throws {
    let trial = try TrialRun()
    #expect(try trial.start(["--set", "episodes=3"]).status == 0)
    let whole = try trial.folder.read("run/journal.jsonl")
    let result = try trial.final()
    // As a power cut may leave it, at any byte of the last episode.
    for cut in [whole.count - 1, whole.count - 90, whole.count - 300, whole.count - 700] {
      try trial.folder.write("run/journal.jsonl", Array(whole[..<cut]))
      #expect(try trial.resume().status == 0)
      #expect(try trial.final() == result)
    }
  }

  @Test func aChangedPlanIsNoticed() throws {
    let trial = try TrialRun(["fail@2.1"], extra: "attempts: 1")
    #expect(try trial.start().status == 65)
    let plan = String(decoding: try trial.folder.read("run/plan.yaml"), as: UTF8.self)
    try trial.folder.write("run/plan.yaml", text: plan + "seed: 5\n")
    let result = try trial.resume()
    #expect(result.status == 65)
    #expect(result.errors.contains("it is not the plan that the run was started with"))
  }

  @Test func onlyWhatKeepsTheResultChangesOnResume() throws {
    let trial = try TrialRun(["fail@2.1.1"], extra: "attempts: 1")
    #expect(try trial.start().status == 65)
    let refused = try trial.resume(["--set", "seed=3"])
    #expect(refused.status == 64)
    #expect(refused.errors.contains("'seed' is fixed for the run"))
    #expect(
      try trial.resume(["--set", "attempts=2", "--set", "executor.local=serial"]).status == 0)
  }

  @Test func aFullDiskStopsTheRunAndLosesNothing() throws {
    let trial = try TrialRun()
    // No file may grow beyond half a kilobyte: the journal cannot be written any more.
    let result = try ToolProcess.run(
      "imwa-run", ["start", "plan.yaml", "--dir", "run"], limits: "-f 3", in: trial.folder.path)
    #expect(result.status == 74, "\(result.errors)")
    #expect(try trial.resume().status == 0)
    #expect(try trial.final() == undisturbed())
  }

  @Test func aFolderWithoutARunIsNamed() throws {
    let trial = try TrialRun()
    for command in ["resume", "status", "stop"] {
      let result = try trial.tool([command, "nowhere"])
      #expect(result.status == 66)
      #expect(result.errors.contains("it is no folder of a run"))
    }
  }
}
