import Checkpoints
import TensorCore
import Testing

@testable import CheckpointInspection

@Suite struct NonFiniteValuesTests {
  @Test func everyTensorWithSomeIsNamed() throws {
    var values = [Float](repeating: 1, count: 300_000)
    values[250_001] = .nan
    values[299_999] = -.infinity
    let map = try WeightMap([
      Tensor(name: "sound", shape: Shape([2]), values: [1, 2]),
      Tensor(name: "a", shape: Shape([3, 100_000]), values: values),
      Tensor(name: "b", shape: Shape([]), values: [.infinity]),
    ])
    let found = try NonFiniteValues(in: map, options: StreamOptions(threads: 3)).findings
    #expect(
      found.map(\.sentence) == [
        "tensor 'a': 1 NaN and 1 infinity, the first at [2, 50001]", "tensor 'b': 1 infinity",
      ])
  }
}
