import Foundation
import JSONText
import TestSupport
import Testing

@Suite struct ReportCommandTests {
  @Test func thePageTellsEverythingAndNeedsNothing() throws {
    let trial = try TrialRun(
      ["fail@2.1.1"], evaluates: true, extra: "ema: trainer\n# <script>alert(1)</script>")
    let result = try trial.start(["--set", "evaluate.on=[averages, members, ema]"])
    #expect(result.status == 0, "\(result.errors)")
    let report = try trial.tool(["report", "run", "-o", "page.html"])
    #expect(report.output == "wrote page.html\n")
    let page = String(decoding: try trial.folder.read("page.html"), as: UTF8.self)
    for text in [
      "accuracy per episode", "L2 distance per episode", "seconds per episode",
      "class=\"key band\"", "other numbers from 0 to 1, average", "loss within the episodes",
      "s evaluation", "All recorded numbers", "recall.0", "final.safetensors",
      "moving average", "fake_trainer.py", "the command ended with exit code 3", "<td>3</td>",
      "&lt;script&gt;alert(1)",
    ] {
      #expect(page.contains(text), "\(text)")
    }
    // What makes charts tell values is the only script.
    #expect(page.components(separatedBy: "<script").count == 2)
    for text in ["<script src", "http://", "https://", "url(", "@import"] {
      #expect(!page.contains(text), "\(text)")
    }
    let parser = XMLCheck(page)
    #expect(parser.isBalanced)
  }

  @Test func onlyFilesAreReplaced() throws {
    let trial = try TrialRun(episodes: 1)
    #expect(try trial.start().status == 0)
    let pipe = trial.folder.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    let refused = try trial.tool(["report", "run", "-o", "pipe"])
    #expect(refused.status == 73)
    #expect(
      refused.errors.contains("pipe: cannot be put in place: it is not a regular file"),
      "\(refused.errors)")
    #expect(
      try FileManager.default.attributesOfItem(atPath: pipe)[.type] as? FileAttributeType
        != .typeRegular)
    #expect(try trial.tool(["report", "run", "-o", "."]).status == 73)
    #expect(try trial.tool(["report", "run", "-o", "-"]).output.hasPrefix("<!DOCTYPE html>"))
  }

  @Test func tablesAreForPrograms() throws {
    let trial = try TrialRun(evaluates: true)
    #expect(try trial.start().status == 0)
    let csv = try trial.tool(["report", "run", "--csv"]).output.split(separator: "\n")
    // The start, and three episodes.
    #expect(csv.count == 5)
    #expect(csv[0].contains(",average.more.loss,average.recall.0,member-1.accuracy,"))
    let names = csv[0].split(separator: ",", omittingEmptySubsequences: false)
    #expect(
      csv.allSatisfy {
        $0.split(separator: ",", omittingEmptySubsequences: false).count == names.count
      })
    let json = try JSONValue(
      parsing: Array(try trial.tool(["report", "run", "--json"]).output.utf8))
    guard case .array(let rows) = json else {
      Issue.record("no list")
      return
    }
    #expect(rows.map { $0["episode"]?.integer } == [0, 1, 2, 3])
    let measured = try trial.events("measured").last { $0["subject"]?.string == "average" }
    #expect(rows[3]["metric_average"] == measured?["value"])
    // L2 over the tensors a and b, by definition.
    let members = try (1...2).map { member in
      try ["a", "b"].flatMap {
        try trial.values("episode-003/member-\(member)/attempt-1/model.safetensors", $0)
      }
    }
    var sum = 0.0
    for (first, second) in zip(members[0], members[1]) {
      let difference = Double(first) - Double(second)
      sum += difference * difference
    }
    let expected = sum.squareRoot()
    let found = try #require(rows[3]["l2_members"]?.double)
    #expect((found - expected).magnitude < 1e-12 * expected)
  }

  @Test func whatIsRecordedIsInTheTables() throws {
    let trial = try TrialRun(episodes: 2, evaluates: true)
    #expect(try trial.start().status == 0)
    let json = try JSONValue(
      parsing: Array(try trial.tool(["report", "run", "--json"]).output.utf8))
    guard case .array(let rows) = json else { return #expect(Bool(false), "no list") }
    #expect(rows[2]["recorded"]?["member-2"]?["recall.0"]?.double == 0.5)
    #expect(rows[2]["seconds_evaluation"]?.double ?? 0 > 0)
    let total = try #require(rows[2]["seconds_total"]?.double)
    #expect(total > rows[2]["seconds_evaluation"]?.double ?? .infinity)
  }

  @Test func aStoppedRunSaysWhy() throws {
    let trial = try TrialRun(["fail@2.1"], extra: "attempts: 1")
    #expect(try trial.start().status == 65)
    let page = try trial.tool(["report", "run", "-o", "-"]).output
    #expect(
      page.contains("Stopped: episode 2, member 1, attempt 1: the command ended with exit code 3"))
    #expect(page.contains("the data set is missing"))
    let early = try TrialRun(["fail"], extra: "attempts: 1")
    #expect(try early.start().status == 65)
    #expect(try !early.tool(["report", "run", "-o", "-"]).output.contains("<h2>Episodes</h2>"))
  }

  @Test func runsAreCompared() throws {
    let trial = try TrialRun(evaluates: true)
    #expect(try trial.start().status == 0)
    #expect(
      try trial.tool(["start", "plan.yaml", "--dir", "other/run", "--set", "seed=3", "-q"]).status
        == 0)
    let report = try trial.tool(["report", "run", "other/run"])
    #expect(report.output == "wrote report.html\n", "\(report.errors)")
    let page = String(decoding: try trial.folder.read("report.html"), as: UTF8.self)
    for text in [
      "2 runs", "accuracy of the result", "<td>seed</td><td></td><td>3</td>", "other/run",
    ] {
      #expect(page.contains(text), "\(text)")
    }
    #expect(XMLCheck(page).isBalanced)
    #expect(try trial.tool(["report", "run", "other/run", "--csv"]).status == 64)
  }

  @Test func aRunOfOneMemberHasAReport() throws {
    let trial = try TrialRun(episodes: 1, members: 1)
    #expect(try trial.start().status == 0)
    #expect(try trial.tool(["report", "run"]).status == 0)
    let page = String(decoding: try trial.folder.read("run/report.html"), as: UTF8.self)
    #expect(page.contains("1 member, 1 episodes"))
  }

  @Test func aRunThatHasNoEpisodeYetHasAReport() throws {
    let trial = try TrialRun(["fail"], extra: "attempts: 1")
    #expect(try trial.start().status == 65)
    #expect(try trial.tool(["report", "run"]).status == 0)
    let status = try trial.tool(["status", "run"])
    #expect(status.output.contains("run: stopped, 0 of 3 episodes"))
    #expect(status.output.contains("imwa-run resume"))
  }
}

/// Whether every tag that opens closes.
private struct XMLCheck {
  let isBalanced: Bool

  init(_ page: String) {
    var open: [Substring] = []
    var isBalanced = true
    for part in page.split(separator: "<").dropFirst() {
      let name = part.prefix { $0.isLetter || $0.isNumber || $0 == "/" || $0 == "!" }
      let isClosed = part.prefix { $0 != ">" }.hasSuffix("/")
      if name.hasPrefix("!") || ["meta"].contains(name) || isClosed { continue }
      if name.hasPrefix("/") {
        isBalanced = isBalanced && open.popLast() == name.dropFirst()
      } else {
        open.append(name)
      }
    }
    self.isBalanced = isBalanced && open.isEmpty
  }
}
