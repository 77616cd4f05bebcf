import TensorCore
import TestSupport
import Testing

@testable import WeightAveraging

/// What holds for every merge method; a new one is tested as soon as it is in the list.
@Suite struct MergeMethodTests {
  @Test func theListNamesEveryFileOfTheFolder() throws {
    let files = try Fixtures.sourceNames(in: "WeightAveraging/Methods")
    #expect(files == Set(MergeMethods.all.map { "\($0)" }))
    #expect(Set(MergeMethods.all.map { $0.name }).count == MergeMethods.all.count)
  }

  @Test func equalInputsStayAsTheyAre() throws {
    let values: [Float] = [1, -0.0, 1.17e-38, 3.4e38, 0.1]
    let map = try WeightMap([Tensor(name: "w", shape: Shape([5]), values: values)])
    let methods: [any MergeMethod] = try [
      LinearAverage(inputCount: 2), LinearAverage(weights: [1, 3], inputCount: 2),
      ExponentialMovingAverage(decay: 0.5, updateCount: 1),
    ]
    #expect(Set(methods.map { "\(type(of: $0))" }).count == MergeMethods.all.count)
    for method in methods {
      let merged = try WeightMap.merge([map, map], by: method)
      #expect(try merged["w"]?.bytes() == map["w"]?.bytes(), "\(method)")
    }
  }
}
