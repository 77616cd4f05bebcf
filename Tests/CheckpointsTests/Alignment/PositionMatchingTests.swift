import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct PositionMatchingTests {
  private func map(_ shapes: [(String, [Int])]) throws -> WeightMap {
    try WeightMap(
      try shapes.map { name, shape in
        try Tensor(
          name: name, shape: Shape(shape),
          values: [Float](repeating: 1, count: shape.reduce(1, *)))
      })
  }

  private func plan(
    _ maps: [WeightMap], optimizer: AlignmentPolicy.Optimizer = .first
  ) throws -> MergePlan {
    var policy = AlignmentPolicy()
    policy.match = .position
    policy.optimizer = optimizer
    return try MergePlan(maps, labels: ["a.h5", "b.h5"], policy: policy)
  }

  @Test func tensorsOfOtherNamesAreMatchedInTheirOrder() throws {
    let first = try map([("dense_1/kernel", [2, 3]), ("dense_1/bias", [3]), ("out", [1])])
    let second = try map([("dense_4/kernel", [2, 3]), ("dense_4/bias", [3]), ("out", [1])])
    let plan = try plan([first, second])
    #expect(plan.entries.map(\.info.name) == ["dense_1/kernel", "dense_1/bias", "out"])
    #expect(plan.entries.allSatisfy { $0.inputs == [0, 1] })
    #expect(
      plan.renamings == [
        MergePlan.Renaming(input: 1, name: "dense_4/kernel", newName: "dense_1/kernel"),
        MergePlan.Renaming(input: 1, name: "dense_4/bias", newName: "dense_1/bias"),
      ])
  }

  @Test func shapesMustAgree() throws {
    let first = try map([("a", [2, 3]), ("b", [3])])
    let second = try map([("c", [3]), ("d", [2, 3])])
    let error = #expect(throws: AlignmentError.self) { try plan([first, second]) }
    #expect(error?.mismatches.count == 2)
  }

  @Test func numbersOfTensorsMustAgreeButForTheOptimizer() throws {
    let first = try map([("a", [2]), ("optimizer/vars/0", [1])])
    let second = try map([("c", [2]), ("optimizer/vars/0", [1]), ("optimizer/vars/1", [2])])
    #expect(try plan([first, second]).entries.count == 2)
    let error = #expect(throws: PositionError.self) {
      try plan([first, second], optimizer: .average)
    }
    #expect(error?.description.contains("b.h5 has 3 tensors and a.h5 has 2") == true)
  }
}
