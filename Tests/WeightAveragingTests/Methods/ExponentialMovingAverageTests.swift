import TensorCore
import Testing

@testable import WeightAveraging

@Suite struct ExponentialMovingAverageTests {
  private func map(_ value: Double) throws -> WeightMap {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    return try WeightMap([
      Tensor(name: "w", shape: Shape([1]), encoding: ElementEncoding(.float64), bytes: bytes)
    ])
  }

  @Test func theSequenceOfTheTextbook() throws {
    // λ = 0.9 from 0 over 1, 1, 1: 0.1, 0.19, 0.271.
    for (count, expected) in [(1, 0.1), (2, 0.19), (3, 0.271)] {
      let method = try ExponentialMovingAverage(decay: 0.9, updateCount: count)
      let maps = try [map(0)] + (0..<count).map { _ in try map(1) }
      let value = try #require(try WeightMap.merge(maps, by: method)["w"]?.values()[0])
      #expect(abs(value - expected) < 1e-15)
    }
  }

  @Test func oneMoreCheckpointAtATime() throws {
    let state = try map(2).merge(try map(4), decay: 0.75)
    #expect(try state["w"]?.values() == [2.5])
  }

  @Test func warmUpBeginsWithSmallDecays() throws {
    let method = try ExponentialMovingAverage(decay: 0.5, updateCount: 9, earlierUpdates: 0)
    let expected: [Double] = [1.0 / 10, 2.0 / 11, 3.0 / 12]
    #expect(Array(method.decays.prefix(3)) == expected)
    #expect(method.decays.last == 0.5)
    let later = try ExponentialMovingAverage(decay: 0.99, updateCount: 1, earlierUpdates: 40)
    #expect(later.decays == [41.0 / 50])
  }

  @Test(arguments: [-0.1, 1.1, .nan])
  func decaysOutOfRangeAreRefused(decay: Double) {
    #expect(throws: MergeError.self) {
      try ExponentialMovingAverage(decay: decay, updateCount: 1)
    }
  }

  @Test func nothingToAddIsRefused() {
    #expect(throws: MergeError.self) { try ExponentialMovingAverage(decay: 0.9, updateCount: 0) }
  }
}
