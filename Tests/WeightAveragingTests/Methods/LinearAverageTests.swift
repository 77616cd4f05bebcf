import TensorCore
import Testing

@testable import WeightAveraging

@Suite struct LinearAverageTests {
  private func maps(_ values: [[Float]]) throws -> [WeightMap] {
    try values.map { values in
      try WeightMap([Tensor(name: "w", shape: Shape([values.count]), values: values)])
    }
  }

  @Test func theMeanOfTheTextbook() throws {
    let average = try WeightMap.average(of: try maps([[1], [3], [8]]))
    #expect(try average["w"]?.values() == [4])
  }

  @Test func weightsAreDividedByTheirSum() throws {
    let average = try WeightMap.average(of: try maps([[1], [5]]), weights: [3, 1])
    #expect(try average["w"]?.values() == [2])
  }

  @Test func zeroAndNegativeWeightsCount() throws {
    let average = try WeightMap.average(of: try maps([[1], [5], [100]]), weights: [-1, 2, 0])
    #expect(try average["w"]?.values() == [9])
  }

  @Test(arguments: [[1.0, -1], [0, 0], [1e308, 1e308]])
  func weightsThatCannotBeNormalisedAreRefused(weights: [Double]) throws {
    let error = #expect(throws: MergeError.self) {
      try LinearAverage(weights: weights, inputCount: 2)
    }
    #expect(error?.code == .weightsSumToZero)
  }

  @Test func otherNonsenseIsRefused() {
    #expect(throws: MergeError.self) { try LinearAverage(inputCount: 0) }
    #expect(throws: MergeError.self) { try LinearAverage(weights: [1], inputCount: 2) }
    #expect(throws: MergeError.self) { try LinearAverage(weights: [1, .nan], inputCount: 2) }
  }

  @Test func inputsThatHaveATensorShareItsWeight() throws {
    let method = try LinearAverage(weights: [1, 2, 5], inputCount: 3)
    #expect(try method.recurrence(inputs: [0, 1]).coefficients == [1.0 / 3, 2.0 / 3])
    #expect(try LinearAverage(inputCount: 3).recurrence(inputs: [0, 2]).scale == 0.5)
  }
}
