import SystemPackage
import TestSupport
import Testing

@testable import Episodes

/// What is found of the objects in what trainers print.
@Suite struct TrainingProgressTests {
  static let logs: [(log: String, iteration: Int?, loss: Double?)] = [
    ("{\"iteration\": 5, \"loss\": 0.5}\n", 5, 0.5),
    // tqdm leaves its line open, and so does the bar of Keras.
    ("\r  0%|          | 0/20\r 25%|##   | 5/20{\"iteration\": 5, \"loss\": 0.5}\n", 5, 0.5),
    ("\u{1B}[1m3/3\u{1B}[0m \u{1B}[32m━━━━\u{1B}[0m 0s 9ms/step{\"iteration\": 3}\n", 3, nil),
    ("{\"iteration\": 5, \"loss\": 0.5}\r 30%|###  | 6/20 [00:01<00:02, {rate}]", 5, 0.5),
    ("{\"iteration\": 5, \"loss\": 0.5} 30%|###  | 6/20", 5, 0.5),
    ("{\"iteration\": 4, \"loss\": 1}{\"iteration\": 5, \"loss\": 0.5}\r\n", 5, 0.5),
    ("INFO step {\"loss\": 0.5, \"lr\": {\"head\": 1}, \"iteration\": 5.0}\n", 5, 0.5),
    ("{\"iteration\": 5, \"loss\": NaN}\n", 5, nil),
    ("{\"iteration\": 5, \"text\": \"a } in it {\"}\n", 5, nil),
    ("{\"iteration\": 5}\n{\"other\": 1}\n{'iteration': 6}\n", 5, nil),
  ]

  @Test(arguments: logs.indices)
  func theLastObjectIsFound(index: Int) throws {
    let (log, iteration, loss) = TrainingProgressTests.logs[index]
    let progress = try #require(TrainingProgress(log: Array(log.utf8)))
    #expect(progress.iteration == iteration)
    #expect(progress.loss == loss)
  }

  @Test(arguments: ["", "no object\n", "{\"other\": 1}\n", "{{{{}", "}{", "{\"iteration\": 5\n"])
  func whatTellsNothingIsNothing(log: String) {
    #expect(TrainingProgress(log: Array(log.utf8)) == nil)
  }

  @Test func aCurveOfAnyLengthIsThinnedEvenly() throws {
    for count in [1, 2, 7, 8, 9, 100, 1000, 1024, 1025] {
      var curve = TrainingCurve(limit: 8)
      for number in 1...count {
        curve.add(TrainingCurve.Point(iteration: number, loss: 1 / Double(number)))
      }
      #expect(curve.points.count <= 8)
      #expect(curve.points.count >= min(count, 4))
      #expect(curve.points.first?.iteration == 1)
      #expect(curve.points.last?.iteration == count)
      let gaps = zip(curve.points, curve.points.dropFirst()).map { $1.iteration - $0.iteration }
      #expect(Set(gaps.dropLast()).count <= 1, "\(gaps)")
      #expect(TrainingCurve(curve.json) == curve)
    }
  }

  @Test func aLogOfManyChunksIsRead() throws {
    let folder = try TemporaryFolder()
    let lines = (1...60_000).map { number in
      "\r\(number)%|###  | some bar{\"iteration\": \(number), \"loss\": \(number % 7)}\n"
    }
    let log = lines.joined() + String(repeating: "x", count: 3 << 20)
    let path = FilePath(try folder.write("log", text: log))
    let curve = TrainingCurve(log: path, limit: 50)
    #expect(curve.lastLoss == Double(60_000 % 7))
    #expect(curve.points.first?.iteration == 1)
    #expect(curve.points.last?.iteration == 60_000)
    #expect(curve.points.count > 24)
  }
}
