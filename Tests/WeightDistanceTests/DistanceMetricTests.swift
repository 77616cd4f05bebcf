import TensorCore
import TestSupport
import Testing

@testable import WeightDistance

/// What holds for every metric; a new one is tested as soon as it is in the list.
@Suite struct DistanceMetricTests {
  private static let names = DistanceMetrics.all.map { $0.name }

  private func map(_ values: [Float]) throws -> WeightMap {
    try WeightMap([Tensor(name: "w", shape: Shape([values.count]), values: values)])
  }

  private func measured(
    _ name: String, _ models: [[Float]], base: [Float]? = nil, isNormalized: Bool = false
  ) throws -> Double {
    var options = DistanceOptions([try #require(DistanceMetrics.metric(named: name))])
    options.isNormalized = isNormalized
    return try WeightMap.distances(
      among: models.map(map), base: try base.map(map), options: options
    ).distance(between: 0, and: 1)
  }

  @Test func theListNamesEveryFileOfTheFolder() throws {
    let files = try Fixtures.sourceNames(in: "WeightDistance/Metrics")
    #expect(files == Set(DistanceMetrics.all.map { "\($0)" }))
    #expect(Set(Self.names).count == DistanceMetrics.all.count)
    #expect(DistanceMetrics.metric(named: "none") == nil)
  }

  @Test(arguments: names)
  func equalModelsAreTheNearest(name: String) throws {
    let metric = try #require(DistanceMetrics.metric(named: name))
    let values: [Float] = [1, -2, 0, 0.1]
    let same = try measured(name, [values, values], base: [0, 1, 1, 0])
    #expect((same - (metric.isSimilarity ? 1 : 0)).magnitude <= 1e-15)
    let other = try measured(name, [values, [1, 2, 1, 0.5]], base: [0, 1, 1, 0])
    #expect(metric.isSimilarity ? other < same : other > same)
  }

  @Test(arguments: names)
  func theOrderOfThePairDoesNotMatter(name: String) throws {
    let (a, b, base): ([Float], [Float], [Float]) = ([1, -2, 3], [0.5, 4, -1], [1, 1, 0])
    #expect(try measured(name, [a, b], base: base) == measured(name, [b, a], base: base))
  }

  @Test(arguments: names)
  func normalisedDistancesDoNotDependOnTheScale(name: String) throws {
    let (a, b): ([Float], [Float]) = ([1, -2, 3], [0.5, 4, -1])
    let scaled = [a, b].map { $0.map { $0 * 8 } }
    let base: [Float] = [0, 0, 0]
    let plain = try measured(name, [a, b], base: base, isNormalized: true)
    #expect(
      (try measured(name, scaled, base: base, isNormalized: true) - plain).magnitude
        <= 1e-15 * plain.magnitude)
  }

  @Test(arguments: names)
  func whatIsNeededForTheSizeGivesASize(name: String) throws {
    let metric = try #require(DistanceMetrics.metric(named: name))
    let size = metric.size(
      ModelQuantities(parameterCount: 4, squares: 16, magnitudes: 6, largestMagnitude: 3))
    #expect((size != nil) == (metric.sizeQuantity != nil))
    #expect(size.map { $0 > 0 } ?? true)
  }

  @Test func valuesAreThoseOfTheFormula() throws {
    let zero: [Float] = [0, 0, 0, 0]
    #expect(try measured("l2", [[3, 4, 0, 0], zero]) == 5)
    #expect(try measured("rms", [[3, 4, 0, 0], zero]) == 2.5)
    #expect(try measured("l1", [[3, -4, 0, 0], zero]) == 7)
    #expect(try measured("max", [[3, -4, 0, 0], zero]) == 4)
    #expect(try measured("relative-l2", [[5, 0], [0, 3]]) == (34.0).squareRoot() / 4)
    #expect(try measured("cosine", [[3, 4], [2, 0]]) == 0.6)
    #expect(try measured("sign-agreement", [[1, -1, 0, 2], [1, 1, 1, -1]]) == 0.25)
    #expect(try measured("task-cosine", [[4, 5], [3, 1]], base: [1, 1]) == 0.6)
    #expect(try measured("task-size", [[4, 5], [3, 1]], base: [1, 1]) == 0.4)
  }

  @Test func anglesWithZeroAreNotDefined() throws {
    #expect(try measured("cosine", [[1, 2], [0, 0]]).isNaN)
    #expect(try measured("relative-l2", [[0, 0], [0, 0]]) == 0)
  }

  @Test func smallDifferencesOfLargeModelsAreExact() throws {
    // ‖a‖² + ‖b‖² − 2ab would have no digit of this.
    let a = [Float](repeating: 1, count: 10_000)
    let b = [Float](repeating: 1 + 0x1p-23, count: 10_000)
    #expect(try measured("l2", [a, b]) == 100 * 0x1p-23)
  }
}
