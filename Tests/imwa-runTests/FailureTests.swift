import Foundation
import JSONText
import TestSupport
import Testing

/// Trainers that do not do what they should: each has a sentence, and is tried again.
@Suite struct FailureTests {
  /// What a trainer does, and what is said of it.
  static let faults: [(word: String, message: String)] = [
    ("fail", "the command ended with exit code 3"),
    ("killed", "the command was killed by signal 9"),
    ("nothing", "there is no file at 'out'"),
    ("half", "model.safetensors"),
    ("pipe", "model.safetensors: cannot be opened: it is neither a regular file nor a folder"),
    ("renamed", "tensor 'a' is missing"),
    ("reshaped", "expected shape [8] as in init, found [9]"),
    ("nan", "tensor 'a' of out has NaN at element 1"),
    ("unchanged", "the weights of out are those it started from"),
  ]

  @Test func faultsAreToldAndTriedAgainAndLeaveNoTrace() throws {
    let words = FailureTests.faults.enumerated().map { "\($0.element.word)@2.1.\($0.offset + 1)" }
    let trial = try TrialRun(words, extra: "attempts: \(words.count + 1)")
    let result = try trial.start()
    #expect(result.status == 0, "\(result.errors)")
    #expect(try trial.final() == TrialRun.undisturbed.get())
    let failures = try trial.events("failed")
    #expect(failures.count == words.count)
    for (number, fault) in FailureTests.faults.enumerated() {
      #expect(failures[number]["reason"]?.string?.contains(fault.message) == true, "\(fault.word)")
      #expect(
        result.errors.contains("episode 2, member 1, attempt \(number + 1): "), "\(fault.word)")
    }
  }

  @Test func aFaultInAllAttemptsStopsTheRun() throws {
    let trial = try TrialRun(
      ["nan@2.2"], episodes: 2, extra: "attempts: 2\nexecutor: {local: serial}")
    let result = try trial.start()
    #expect(result.status == 65)
    #expect(
      result.errors.contains("episode 2, member 2, attempt 2: "), "\(result.errors)")
    #expect(result.errors.contains("trying again"))
    #expect(result.errors.contains("imwa-run resume"))
    // What the others did is not lost.
    #expect(try trial.events("finished").count == 1 + 2 + 1)
    #expect(try trial.events("failed").count == 2)
  }

  /// The members behind it would start from other weights, and nobody would know.
  @Test func aTrainerThatWritesToItsStartEndsTheRun() throws {
    let trial = try TrialRun(["overwrites@2.1.1"], extra: "executor: {local: serial}")
    let result = try trial.start()
    #expect(result.status == 65)
    #expect(result.errors.contains("episode-001/average.safetensors: a trainer has written to"))
    // It is not what it should be when the run is taken up again, either.
    let again = try trial.resume()
    #expect(again.status == 65)
    #expect(again.errors.contains("it was changed after it was checked"))
  }

  @Test func theLastLinesOfTheLogAreTold() throws {
    let trial = try TrialRun(["fail"], extra: "attempts: 1")
    let result = try trial.start()
    #expect(result.errors.contains("the data set is missing"))
    #expect(result.errors.contains("attempt-1/log"))
  }

  @Test func whatFailedIsTriedAgainAfterResume() throws {
    let trial = try TrialRun(["fail@2.1.1", "fail@2.1.2"], extra: "attempts: 1")
    #expect(try trial.start().status == 65)
    #expect(try trial.resume().status == 65)
    let result = try trial.resume()
    #expect(result.status == 0, "\(result.errors)")
    #expect(try trial.events("submitted").count == 1 + 6 + 2)
  }

  @Test func trainersThatTakeTooLongAreEnded() throws {
    // One that ends when it is asked, one that does not, and one that saves what it has.
    let trial = try TrialRun(
      ["hang@1.1.1", "stubborn@2.1.1", "saves-when-asked@2.2.1"], extra: "timeout: 1s")
    let result = try trial.start()
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("attempt 1: it took longer than the 'timeout' of 1 s"))
    #expect(
      try trial.events("failed").map { $0["cause"]?.string } == ["timeout", "timeout", "timeout"])
    #expect(try trial.leftBehind() == [])
    #expect(try trial.final() == TrialRun.undisturbed.get())
  }

  @Test func aTrainerWithoutASignOfLifeIsEnded() throws {
    let trial = try TrialRun(["hang@1.2.1"], episodes: 1, extra: "heartbeat: 1s")
    let result = try trial.start()
    #expect(result.status == 0, "\(result.errors)")
    #expect(try trial.events("failed").first?["cause"]?.string == "heartbeat")
  }

  @Test func anEvaluationWithoutANumberStopsTheRun() throws {
    let trial = try TrialRun(["no-number"], episodes: 1, evaluates: true, extra: "attempts: 1")
    let result = try trial.start()
    #expect(result.status == 65)
    #expect(result.errors.contains("evaluation of the start, attempt 1: the evaluation"))
    #expect(result.errors.contains("printed no JSON object"))
    #expect(result.errors.contains("accuracy is good"))
  }

  @Test func aMetricThatIsNotThereIsNamed() throws {
    let trial = try TrialRun(episodes: 1, evaluates: true, extra: "attempts: 1")
    let result = try trial.start(["--set", "evaluate.metric=recall"])
    #expect(result.status == 65)
    #expect(
      result.errors.contains("printed no number 'recall'; it printed accuracy, more.loss, recall.0")
    )
  }

  @Test func nestedMetricsHaveDots() throws {
    let trial = try TrialRun(episodes: 1, evaluates: true)
    #expect(try trial.start(["--set", "evaluate.metric=more.loss"]).status == 0)
    #expect(try trial.events("measured").first?["value"]?.double == 1.5)
  }

  @Test func aProgramThatIsNotThereIsFoundBefore() throws {
    let trial = try TrialRun()
    let result = try trial.start(["--set", "train=[no-such-program]"])
    #expect(result.status == 65)
    #expect(result.errors.contains("train: there is no program 'no-such-program'"))
    #expect(!FileManager.default.fileExists(atPath: trial.run))
  }

  @Test func aFileThatIsNoProgramIsFoundBefore() throws {
    let trial = try TrialRun()
    let script = try trial.folder.write("trainer.py", text: "print('trained')\n")
    let result = try trial.start(["--set", "train=['\(script)']"])
    #expect(result.status == 65)
    #expect(result.errors.contains("train: '\(script)' cannot be run: chmod +x"))
    #expect(!FileManager.default.fileExists(atPath: trial.run))
  }

  @Test func aProgramThatCannotBeStartedFails() throws {
    let trial = try TrialRun(extra: "attempts: 1")
    let result = try trial.start(["--set", "train=['{attempt_dir}/missing']"])
    #expect(result.status == 65)
    #expect(result.errors.contains("cannot be started: no such file or directory"))
  }
}
