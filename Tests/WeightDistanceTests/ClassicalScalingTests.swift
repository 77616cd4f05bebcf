import TestSupport
import Testing

@testable import WeightDistance

@Suite struct ClassicalScalingTests {
  private func distances(_ points: [[Double]]) -> [[Double]] {
    points.map { a in
      points.map { b in zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot() }
    }
  }

  @Test(arguments: [2, 3, 5, 12])
  func pointsOfAPlaneKeepTheirDistances(count: Int) {
    var generator = SplitMix(seed: UInt64(count))
    let points = (0..<count).map { _ in
      [Double.random(in: -3...3, using: &generator), Double.random(in: -1...1, using: &generator)]
    }
    let given = distances(points)
    let map = ClassicalScaling(given)
    let found = distances(map.points.map { [$0.x, $0.y] })
    for (line, other) in zip(found, given) {
      for (distance, expected) in zip(line, other) {
        #expect((distance - expected).magnitude < 1e-12)
      }
    }
    #expect((map.shares.reduce(0, +) - 1).magnitude < 1e-12)
    #expect(map.shares[0] >= map.shares[1])
  }

  @Test func halfOfThreeEqualDirectionsIsShown() {
    // The corners of a regular simplex of four points: three equal axes.
    let map = ClassicalScaling(
      (0..<4).map { row in (0..<4).map { row == $0 ? 0 : 1 } })
    for share in map.shares { #expect((share - 1.0 / 3).magnitude < 1e-12) }
  }

  @Test func equalAndUnknownModelsAreNoTrap() {
    let equal = ClassicalScaling([[0, 0], [0, 0]])
    #expect(equal.points.allSatisfy { $0.x == 0 && $0.y == 0 })
    let unknown = ClassicalScaling([[0, .nan], [.nan, 0]])
    #expect(unknown.points.allSatisfy { $0.x.isNaN })
    #expect(ClassicalScaling([[0]]).points.count == 1)
  }

  @Test(arguments: [0x1p-1030, 0x1p-600, 1, 0x1p600, 0x1p1000])
  func placesDoNotDependOnTheUnit(unit: Double) {
    let distances: [[Double]] = [[0, 3, 4], [3, 0, 5], [4, 5, 0]]
    let usual = ClassicalScaling(distances).points
    let scaled = ClassicalScaling(distances.map { $0.map { $0 * unit } }).points
    for (point, expected) in zip(scaled, usual) {
      #expect(abs(point.x - expected.x * unit) <= 1e-12 * unit + 0x1p-1070)
      #expect(abs(point.y - expected.y * unit) <= 1e-12 * unit + 0x1p-1070)
    }
  }
}
