import FileIO
import JSONText
import SystemPackage
import TestSupport
import Testing

@testable import Episodes

@Suite struct RunHistoryTests {
  private static let events: [JournalEvent] = [
    .started(
      JournalEvent.Start(
        run: "0123abcd", version: "0.1.0", folder: "/a", planDigest: "f", settings: ["a=1"],
        kernels: "Haswell")),
    .submitted(AttemptID(.initial, 1)),
    .finished(AttemptID(.initial, 1), seconds: 1.5, outputs: [], loss: nil),
    .submitted(AttemptID(.train(episode: 1, member: 2), 1)),
    .failed(AttemptID(.train(episode: 1, member: 2), 1), .timeout, reason: "it \"hung\"\n"),
    .submitted(AttemptID(.train(episode: 1, member: 2), 2)),
    .failed(AttemptID(.train(episode: 1, member: 2), 2), .lost, reason: "gone"),
    .submitted(AttemptID(.train(episode: 1, member: 2), 3)),
    .finished(
      AttemptID(.train(episode: 1, member: 2), 3), seconds: 2,
      outputs: [ExitRecord.Output(role: "out", size: 7, sha256: "ab")], loss: 0.25),
    .averaged(
      JournalEvent.Average(
        episode: 1, sha256: "cd", emaSHA256: "ef", seconds: 0.5,
        distances: JournalEvent.Distances(amongMembers: nil, fromEpisodeStart: 1, fromRunStart: 2))),
    .measured(
      JournalEvent.Metric(episode: 1, subject: .member(2), value: 0.5, all: ["a": 0.5, "b": 1])),
    .submitted(AttemptID(.evaluate(episode: 1, .ema), 1)),
    .submitted(AttemptID(.recalibrate(episode: 2, isEMA: true), 1)),
    .stopped(reason: "a signal"),
    .resumed(settings: ["attempts=4"]),
    .completed(sha256: "99"),
  ]

  @Test(arguments: events.indices)
  func aLineReadsBack(index: Int) throws {
    let event = RunHistoryTests.events[index]
    let json = try JSONValue(parsing: Array(event.json(time: 12.5).text.utf8))
    #expect(JournalEvent(json) == event)
  }

  @Test func whatHappenedToATask() {
    var history = RunHistory()
    for (number, event) in RunHistoryTests.events.dropLast(2).enumerated() {
      history.add(event, time: Double(number))
    }
    let task = history[.train(episode: 1, member: 2)]
    #expect(task.winner == 3)
    #expect(task.failures == 1)
    #expect(task.losses == 1)
    #expect(task.open.isEmpty)
    #expect(task.loss == 0.25)
    #expect(history.lastComplete == 1)
    #expect(history.phase == .stopped(reason: "a signal"))
    #expect(history[.evaluate(episode: 1, .ema)].open == [1])
    history.add(.resumed(settings: ["attempts=4"]), time: 20)
    #expect(history.phase == .underWay)
    #expect(history[.train(episode: 1, member: 2)].failures == 0)
    #expect(history.laterSettings == ["attempts=4"])
  }

  @Test func aLineThatIsDamagedIsNamed() throws {
    let folder = try TemporaryFolder()
    let sound = RunHistoryTests.events[0].json(time: 1).text + "\n"
    let path = FilePath(try folder.write("journal.jsonl", text: sound + "{\"time\":1}\n"))
    #expect {
      try RunHistory(contentsOf: path)
    } throws: { error in
      "\(error)".hasSuffix("journal.jsonl: line 2 cannot be read")
    }
  }

  @Test func blankLinesAndLaterVersionsAreSkipped() throws {
    let folder = try TemporaryFolder()
    var text = "\u{FEFF}"
    for event in RunHistoryTests.events {
      text += event.json(time: 1).text + "\r\n \n{\"time\":1,\"event\":\"rested\"}\n"
    }
    text += "{\"time\":1,\"event\":\"submitted\",\"episode\":9,\"task\":\"polish\",\"attempt\":1}\n"
    text += "{\"time\":1,\"event\":\"measured\",\"episode\":1,\"subject\":\"soup\",\"value\":1}\n"
    let history = try RunHistory(
      contentsOf: FilePath(try folder.write("journal.jsonl", text: text)))
    #expect(history.phase == .completed)
    #expect(history[.train(episode: 1, member: 2)].winner == 3)
    #expect(history.episodes.keys.sorted() == [0, 1, 2])
  }

  @Test func aWinnerThatIsGivenUpCountsNoMore() {
    var history = RunHistory()
    for event in RunHistoryTests.events.prefix(9) { history.add(event, time: 0) }
    let winner = AttemptID(.train(episode: 1, member: 2), 3)
    history.add(.failed(winner, .lost, reason: "changed"), time: 0)
    #expect(history[winner.task].winner == nil)
    #expect(history[winner.task].outputs.isEmpty)
    #expect(history[winner.task].failures == 1)
  }

  @Test func aProjectIsFoundWhereItWasMovedTo() throws {
    let folder = try TemporaryFolder()
    let (run, plan) = (FilePath(folder.file("p/runs/a")), FilePath(folder.file("p/plan.yaml")))
    let place = ProjectPlace(of: plan, seenFrom: run)
    #expect(place.text == "../../plan.yaml")
    try folder.write("q/plan.yaml", text: "")
    try folder.write("p/plan.yaml", text: "")
    let (old, new) = (FilePath(folder.file("p")), FilePath(folder.file("q")))
    func found(_ run: String, _ place: ProjectPlace) -> FilePath {
      place.folder(ofRun: FilePath(folder.file(run)), startedIn: old)
    }
    #expect(found("p/runs/a", place) == old)
    #expect(found("q/runs/a", place) == new)
    // The run alone was moved, to where there is no plan.
    #expect(found("elsewhere/runs/a", place) == old)
    #expect(found("q/runs/a", ProjectPlace(nil)) == old)
  }

  @Test func aLongRunIsReadOnceAndStaysSmall() throws {
    let folder = try TemporaryFolder()
    var text = RunHistoryTests.events[0].json(time: 0).text + "\n"
    for episode in 1...300 {
      for member in 1...2 {
        let id = AttemptID(.train(episode: episode, member: member), 1)
        text += JournalEvent.submitted(id).json(time: 1).text + "\n"
        text +=
          JournalEvent.finished(id, seconds: 1, outputs: [], loss: 1).json(time: 2).text + "\n"
      }
      let average = JournalEvent.Average(episode: episode, sha256: "", emaSHA256: nil, seconds: 1)
      text += JournalEvent.averaged(average).json(time: 3).text + "\n"
    }
    let history = try RunHistory(
      contentsOf: FilePath(try folder.write("journal.jsonl", text: text)))
    #expect(history.lastComplete == 300)
    #expect(history[.train(episode: 300, member: 2)].winner == 1)
  }
}
