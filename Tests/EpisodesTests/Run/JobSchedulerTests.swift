import FileIO
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Episodes

/// The seam between a run and an executor, with one that behaves like a distant batch system.
@Suite struct JobSchedulerTests {
  /// Trains in no time, answers late, and loses things.
  private final class DistantExecutor: MemberExecutor {
    static let name = "distant"
    let exitDelay = Duration.milliseconds(300)

    private struct State {
      var observations = 0
      var submitted: [String] = []
      /// Exit records that are written, but not seen yet.
      var late: [(folder: AttemptFolder, record: ExitRecord, seen: Int)] = []
      var cancelled: [String] = []
    }
    private let state = Mutex(State())

    var submitted: [String] { state.withLock { $0.submitted } }
    var cancelled: [String] { state.withLock { $0.cancelled } }

    func check() async throws {}

    func submit(_ attempt: AttemptSpec) async -> SubmitOutcome {
      state.withLock { state in
        state.submitted.append(attempt.name)
        if attempt.name.hasSuffix("e1.member-1.a1") { return .unknown("socket timed out") }
        let claim = ProcessClaim(
          supervisor: ProcessIdentity(number: 1, start: 1, boot: "elsewhere", namespace: ""),
          host: "node-7", time: WallClock.now)
        guard (try? SmallFile.create(attempt.folder.process, Array(claim.text.utf8))) == true else {
          return .refused("claimed")
        }
        let model = SafetensorsFile.encode([
          SafetensorsFile.Entry("a", [Float(state.submitted.count), 2])
        ])
        // A node that goes down while it works.
        if attempt.name.hasSuffix("e2.member-2.a1") { return .accepted }
        var record = ExitRecord(.exited(code: 0), seconds: 1)
        for output in attempt.outputs where output.role == "out" {
          try? SmallFile.write(model, to: output.path, durability: .none)
          record.outputs = [
            ExitRecord.Output(
              role: "out", size: model.count, sha256: JobSchedulerTests.sha256(model))
          ]
        }
        state.late.append((attempt.folder, record, state.observations + 3))
        return .accepted
      }
    }

    func observe(_ attempts: [SubmittedAttempt]) async -> Observation {
      state.withLock { state in
        state.observations += 1
        let count = state.observations
        for late in state.late where late.seen <= count {
          try? SmallFile.write(
            Array(late.record.json.text.utf8), to: late.folder.exit, durability: .none)
        }
        state.late.removeAll { $0.seen <= count }
        // Every third answer is none.
        return count % 3 == 0 ? .unavailable("slurmctld does not answer") : .states([:])
      }
    }

    func cancel(_ attempts: [SubmittedAttempt]) async {
      state.withLock { $0.cancelled += attempts.map(\.name) }
    }

    func kill(_ attempts: [SubmittedAttempt]) async { await cancel(attempts) }

    func pause(for attempts: [SubmittedAttempt], milliseconds: Int) async {
      try? await Task.sleep(for: .milliseconds(10))
    }
  }

  private static func sha256(_ bytes: [UInt8]) -> String {
    var digest = SHA256()
    digest.update(bytes)
    return digest.finalized()
  }

  private struct Silence: RunObserver {
    func happened(_ event: JournalEvent, in history: RunHistory) {}
    func notice(_ text: String) {}
    func isWorking(_ attempts: [ActiveAttempt], in history: RunHistory) {}
  }

  @Test func aDistantExecutorThatLosesAndDelays() async throws {
    let folder = try TemporaryFolder()
    let start = SafetensorsFile.encode([SafetensorsFile.Entry("a", [0, 0])])
    try folder.write("start.safetensors", start)
    let plan = try folder.write(
      "plan.yaml",
      text: "episodes: 2\nmembers: 2\niterations: 30\ninit: start.safetensors\ntrain: [sh]\n")
    let run = try Run.start(
      plan: FilePath(plan), in: FilePath(folder.file("run")), settings: [])
    let executor = DistantExecutor()
    var runner = EpisodeRunner(run, executor: executor, observer: Silence(), interruption: { nil })
    try await runner.perform()
    #expect(run.history.phase == .completed)
    // The one whose submission came to nothing was tried again in another folder; no other was.
    let names = executor.submitted.map {
      $0.split(separator: ".").dropFirst(2).joined(separator: ".")
    }
    #expect(
      names.sorted() == [
        "e1.member-1.a1", "e1.member-1.a2", "e1.member-2.a1", "e2.member-1.a1", "e2.member-2.a1",
        "e2.member-2.a2",
      ])
    #expect(run.history[.train(episode: 1, member: 1)].losses == 1)
    #expect(run.history[.train(episode: 1, member: 1)].failures == 0)
    #expect(run.history[.train(episode: 2, member: 2)].losses == 1)
    #expect(executor.cancelled.map { $0.hasSuffix(".a1") } == [true, true])
    // Should it be begun after all, it finds its folder taken.
    let lost = run.folder.attempt(AttemptID(.train(episode: 1, member: 1), 1))
    #expect(try lost.claim()?.supervisor == nil)
    #expect(try lost.claimed() == nil)
  }
}
