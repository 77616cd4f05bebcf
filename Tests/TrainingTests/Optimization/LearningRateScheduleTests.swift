import Foundation
import Testing

@testable import Training

@Suite struct LearningRateScheduleTests {
  private func factors(_ text: String, warmUp: Int = 0, _ iterations: [Int], of total: Int) throws
    -> [Double]
  {
    let schedule = try LearningRateSchedule(described: text, warmUpIterations: warmUp)
    return iterations.map { schedule.factor(at: $0, of: total) }
  }

  @Test func schedulesFallAsTheySay() throws {
    #expect(try factors("constant", [0, 50, 99], of: 100) == [1, 1, 1])
    let cosine = try factors("cosine", [0, 25, 50, 100], of: 100)
    for (found, expected) in zip(cosine, [1, 0.5 + 0.5.squareRoot() / 2, 0.5, 0]) {
      #expect(abs(found - expected) < 1e-15)
    }
    #expect(try abs(factors("cosine:0.2", [100], of: 100)[0] - 0.2) < 1e-15)
    #expect(try factors("linear", [0, 25, 100], of: 100) == [1, 0.75, 0])
    #expect(try factors("linear:0.5", [50], of: 100) == [0.75])
    #expect(
      try factors("step:0.5,0.25,0.75", [0, 24, 25, 74, 75], of: 100) == [1, 1, 0.5, 0.5, 0.25])
    let usual = try factors("step", [49, 50, 75], of: 100)
    #expect(usual[0] == 1 && usual[1] == 0.1 && abs(usual[2] - 0.01) < 1e-15)
  }

  @Test func warmUpsRiseAndMoveTheRest() throws {
    #expect(try factors("constant", warmUp: 4, [0, 1, 3, 4], of: 100) == [0.25, 0.5, 1, 1])
    #expect(try factors("linear", warmUp: 20, [20, 60, 100], of: 100) == [1, 0.5, 0])
  }

  @Test func sharedStartsHoldTheFirstRate() throws {
    #expect(try factors("cosine", [-100, -1, 0], of: 10) == [1, 1, 1])
    #expect(try factors("cosine", warmUp: 5, [-100, 0], of: 10) == [0.2, 0.2])
  }

  @Test(arguments: [
    "cosin", "cosine:2", "step:0.1", "constant:1", "linear:a", "step:0.1,2", "cosine:",
  ])
  func unknownSchedulesAreRefused(text: String) {
    #expect(throws: TrainingError.self) { try LearningRateSchedule(described: text) }
  }

  @Test(arguments: ["hinge", "focal:-1", "ldam:1,2,3", "cross-entropy:1", "class-weighted:x", ""])
  func unknownLossesAreRefused(text: String) {
    #expect(throws: TrainingError.self) { try LossFunction(described: text) }
  }
}
