import Checkpoints
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import CheckpointInspection

@Suite struct CheckpointComparisonTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func reader(_ name: String, _ entries: [SafetensorsFile.Entry]) throws -> CheckpointReader
  {
    let path = try folder.write("\(name).safetensors", SafetensorsFile.encode(entries))
    return try CheckpointReader(opening: FilePath(path))
  }

  private func compare(
    _ first: [SafetensorsFile.Entry], _ second: [SafetensorsFile.Entry],
    _ change: (inout ElementTolerance) -> Void = { _ in }
  ) throws -> CheckpointComparison {
    var tolerance = ElementTolerance()
    change(&tolerance)
    return try CheckpointComparison(
      of: try reader("a", first), try reader("b", second), tolerance: tolerance)
  }

  @Test func bitsDecideWithoutALimit() throws {
    let payload = Float(bitPattern: 0x7FC0_0001)
    #expect(try compare([.init("a", [.nan, 0])], [.init("a", [.nan, 0])]).isSame)
    let found = try compare([.init("a", [.nan, 0])], [.init("a", [payload, -0.0])])
    #expect(found.tensors[0].values?.count == 2)
    #expect(found.tensors[0].values?.largest?.difference == 0)
    let numeric = try compare([.init("a", [.nan, 0])], [.init("a", [payload, -0.0])]) {
      $0.absolute = 0
    }
    #expect(numeric.isSame)
  }

  @Test func aLoneNaNIsNeverWithinALimit() throws {
    let found = try compare([.init("a", [.nan, 1])], [.init("a", [1, 1])]) { $0.absolute = 1e9 }
    #expect(found.tensors[0].values?.loneNaNCount == 1 && !found.isSame)
    let infinite = try compare([.init("a", [.infinity])], [.init("a", [1])]) { $0.relative = 1 }
    #expect(!infinite.isSame)
  }

  @Test func relativeDifferencesAreToldWhereDifferencesAreTooLarge() throws {
    func entry(_ value: Double) -> SafetensorsFile.Entry {
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
      return .init("a", "F64", [1], bytes)
    }
    let found = try compare([entry(1e308)], [entry(-1e308)]) { $0.relative = 1.9 }
    #expect(found.tensors[0].values?.largestRelative == 2)
    #expect(try compare([entry(1e308)], [entry(-1e308)]) { $0.relative = 2 }.isSame)
    #expect(try compare([entry(1.5e308)], [entry(-0.75e308)]) { $0.relative = 1.5 }.isSame)
    let infinite = try compare([entry(.infinity)], [entry(-1e308)]) { $0.relative = 2 }
    #expect(infinite.tensors[0].values?.largestRelative == .infinity)
  }

  @Test func largeIntegersDifferExactly() throws {
    func bytes(_ value: Int64) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let found = try compare(
      [.init("a", "I64", [1], bytes(.max))], [.init("a", "I64", [1], bytes(.max - 1))])
    #expect(found.tensors[0].values?.largest?.difference == 1)
  }

  @Test func stepsAreCountedAcrossZero() throws {
    let tiny = Float(bitPattern: 1)
    let found = try compare([.init("a", [tiny])], [.init("a", [-tiny])])
    #expect(found.tensors[0].values?.largestSteps == 2)
    #expect(try compare([.init("a", [tiny])], [.init("a", [-tiny])]) { $0.steps = 2 }.isSame)
  }

  @Test func dtypesAndShapesAndNamesAreTold() throws {
    let found = try compare(
      [.init("a", [1, 2]), .init("b", [1, 2]), .init("c", [1])],
      [
        .init("a", "BF16", [2], [0x80, 0x3F, 0, 0x40]), .init("b", [1, 2], shape: [2, 1]),
        .init("d", [1]),
      ])
    #expect(found.tensors.map(\.hasOtherDType) == [true, false])
    #expect(found.tensors.map(\.hasOtherShape) == [false, true])
    // The numbers of other dtypes are compared.
    #expect(found.tensors[0].values?.count == 0 && found.tensors[1].values == nil)
    #expect(found.onlyFirst.map(\.name) == ["c"] && found.onlySecond.map(\.name) == ["d"])
  }

  @Test func codesAreComparedByteByByte() throws {
    let found = try compare(
      [.init("a", "F4", [4], [1, 2])], [.init("a", "F4", [4], [1, 3])]
    ) { $0.absolute = 100 }
    #expect(found.tensors[0].values?.count == 1 && found.tensors[0].values?.largest == nil)
  }

  @Test func theFirstLargestPlaceIsToldForAnyThreads() throws {
    var values = [Float](repeating: 0, count: 600_000)
    values[123_456] = 2
    values[500_000] = -2
    let first = try reader("a", [.init("a", [Float](repeating: 0, count: 600_000))])
    let second = try reader("b", [.init("a", values)])
    for threads in [1, 3] {
      let found = try CheckpointComparison(
        of: first, second, options: StreamOptions(threads: threads))
      #expect(found.tensors[0].values?.largest?.place == 123_456)
      #expect(found.tensors[0].values?.count == 2)
    }
  }
}
