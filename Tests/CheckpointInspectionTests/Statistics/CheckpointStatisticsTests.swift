import Checkpoints
import TensorCore
import TestSupport
import Testing

@testable import CheckpointInspection

@Suite struct CheckpointStatisticsTests {
  /// More values than a block and a group have, of a known distribution.
  private func weights() throws -> (map: WeightMap, values: [Double]) {
    var generator = SplitMix(seed: 5)
    let values = (0..<700_003).map { _ in Float.random(in: -2...3, using: &generator) }
    let map = try WeightMap([
      Tensor(name: "a", shape: Shape([values.count]), values: values),
      Tensor(name: "empty", shape: Shape([0]), values: []),
      Tensor(
        name: "codes", shape: Shape([2]), encoding: ElementEncoding(.float8E8M0), bytes: [1, 2]),
    ])
    return (map, values.map(Double.init))
  }

  @Test func momentsAreThoseOfTwoPasses() throws {
    let (map, values) = try weights()
    let found = try #require(try CheckpointStatistics(of: map).tensors[0])
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(values.count)).squareRoot()
    #expect(found.count == values.count)
    #expect(abs((found.mean ?? 0) - mean) < 1e-12)
    #expect(abs((found.standardDeviation ?? 0) - deviation) < 1e-12)
    #expect(found.minimum == values.min() && found.maximum == values.max())
  }

  @Test func numbersDoNotDependOnThreads() throws {
    let (map, _) = try weights()
    let all = try [1, 2, 5].map { threads in
      let found = try CheckpointStatistics(of: map, options: StreamOptions(threads: threads))
      return [found.tensors[0]?.mean, found.tensors[0]?.standardDeviation]
    }
    #expect(all[0] == all[1] && all[1] == all[2])
  }

  @Test func nothingIsToldOfNothingAndOfCodes() throws {
    let found = try CheckpointStatistics(of: try weights().map).tensors
    #expect(found[1]?.count == 0 && found[1]?.mean == nil && found[1]?.minimum == nil)
    #expect(found[2] == nil)
  }

  @Test func aLargeMeanKeepsASmallDeviation() throws {
    let values = (0..<5000).map { Float(1 << 20) + Float($0 % 2) }
    let map = try WeightMap([Tensor(name: "a", shape: Shape([5000]), values: values)])
    let found = try #require(try CheckpointStatistics(of: map).tensors[0])
    #expect(found.standardDeviation == 0.5)
  }
}
