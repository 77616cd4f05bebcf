import TensorCore
import Testing

@testable import Checkpoints

@Suite struct MergePlanTests {
  private func map(_ tensors: [(String, DType, [Int])], isQuantized: Bool = false) throws
    -> WeightMap
  {
    try WeightMap(
      tensors.map { name, dtype, dimensions in
        let info = try TensorInfo(name: name, dtype: dtype, shape: Shape(dimensions))
        return Tensor(
          info,
          storage: .bytes(MemoryBytes([UInt8](repeating: 0, count: info.byteCount)), offset: 0))
      }, isQuantized: isQuantized)
  }

  private func plan(_ maps: [WeightMap], _ change: (inout AlignmentPolicy) -> Void = { _ in })
    throws -> MergePlan
  {
    var policy = AlignmentPolicy()
    change(&policy)
    return try MergePlan(
      maps, labels: ["a", "b", "c"].prefix(maps.count).map { $0 }, policy: policy)
  }

  @Test func findsAllMismatchesAtOnce() throws {
    let first = try map([("w", .float32, [2]), ("x", .float32, [2]), ("y", .float32, [2])])
    let second = try map([("x", .float32, [3]), ("y", .float16, [2]), ("z", .float32, [1])])
    let error = #expect(throws: AlignmentError.self) { try plan([first, second]) }
    #expect(
      error?.mismatches == [
        .missing(tensor: "w", from: 1),
        .shape(tensor: "x", expected: try Shape([2]), as: 0, found: try Shape([3]), in: 1),
        .dtype(tensor: "y", expected: .float32, as: 0, found: .float16, in: 1),
        .extra(tensor: "z", in: 1),
      ])
    let text = error?.description ?? ""
    #expect(text.contains("b: tensor 'x': expected shape [2] as in a, found [3]"))
    #expect(error?.hint?.contains("--missing") == true)
  }

  @Test func comparingTakesOtherDTypesOfOneKind() throws {
    let first = try map([("w", .float32, [2]), ("n", .int64, [1]), ("m", .bool, [1])])
    let second = try map([("w", .bfloat16, [2]), ("n", .int32, [1]), ("m", .uint8, [1])])
    #expect(try plan([first, second]) { $0.purpose = .comparing }.entries.count == 3)
    let third = try map([("w", .int32, [2]), ("n", .float32, [1]), ("m", .bool, [1])])
    let error = #expect(throws: AlignmentError.self) {
      try plan([first, third]) { $0.purpose = .comparing }
    }
    #expect(error?.mismatches.count == 2)
    #expect(error?.hint == nil)
    let lacking = #expect(throws: AlignmentError.self) {
      try plan([first, try map([])]) { $0.purpose = .comparing }
    }
    #expect(lacking?.hint?.hasPrefix("most names differ") == true)
  }

  @Test func summarisesThousandsOfMismatches() throws {
    let first = try map((0..<3000).map { ("w\($0)", .float32, [1]) })
    let error = #expect(throws: AlignmentError.self) { try plan([first, try map([])]) }
    #expect(error?.mismatches.count == 3000)
    #expect(error?.description.split(separator: "\n").count == 12)
    #expect(error?.description.contains("2990 more") == true)
  }

  @Test func intersectionLeavesOut() throws {
    let first = try map([("w", .float32, [1]), ("x", .float32, [1])])
    let second = try map([("x", .float32, [1]), ("y", .float32, [1])])
    let plan = try plan([first, second]) { $0.missing = .intersect }
    #expect(plan.entries.map(\.info.name) == ["x"])
    #expect(plan.leftOut == ["w", "y"])
  }

  @Test func unionTakesTheInputsThatHaveATensor() throws {
    let maps = try [
      map([("w", .float32, [1]), ("x", .float32, [1])]), map([("x", .float32, [1])]),
      map([("y", .float32, [1]), ("x", .float32, [1])]),
    ]
    let plan = try plan(maps) { $0.missing = .union }
    #expect(plan.entries.map(\.info.name) == ["w", "x", "y"])
    #expect(plan.entries.map(\.inputs) == [[0], [0, 1, 2], [2]])
    #expect(plan.partial(of: 3).map(\.info.name) == ["w", "y"])
  }

  @Test func unionStillComparesShapes() throws {
    let maps = try [
      map([]), map([("x", .float32, [1])]), map([("x", .float32, [2])]),
    ]
    #expect(throws: AlignmentError.self) { try plan(maps) { $0.missing = .union } }
  }

  @Test func patternsChooseTensors() throws {
    let maps = try [map([("a.w", .float32, [1]), ("a.b", .float32, [1]), ("c.w", .float32, [1])])]
    let chosen = try plan(maps) {
      $0.include = [Glob("*.w")]
      $0.exclude = [Glob("c.*")]
    }
    #expect(chosen.entries.map(\.info.name) == ["a.w"])
    let error = #expect(throws: SelectionError.self) {
      try plan(maps) { $0.exclude = [Glob("d.*")] }
    }
    #expect(error?.description == "--exclude 'd.*' matches no tensor")
    #expect(throws: SelectionError.self) { try plan(maps) { $0.exclude = [Glob("*")] } }
  }

  @Test func mismatchesOfTensorsThatAreNotChosenDoNotMatter() throws {
    let maps = try [
      map([("a", .float32, [1]), ("b", .float32, [1])]), map([("a", .float32, [1])]),
    ]
    let plan = try plan(maps) { $0.include = [Glob("a")] }
    #expect(plan.entries.count == 1)
  }

  @Test func integersFollowThePolicy() throws {
    let maps = try [0, 1].map { _ in try map([("n", .int64, []), ("w", .float32, [1])]) }
    let treatments = try [AlignmentPolicy.Integers.first, .max, .error].map { policy in
      try plan(maps) { $0.integers = policy }.entries[0].treatment
    }
    #expect(
      treatments == [
        .fixed(.copyAgreeing(.takeFirst)), .fixed(.maximum), .fixed(.copyAgreeing(.refuse)),
      ])
  }

  @Test func codesOfOneInputAreNotAveragedWithWeightsOfAnother() throws {
    let plain = try map([("l.weight", .float32, [2])])
    let quantized = try map([("l.weight", .float8E4M3, [2]), ("l.weight_scale", .float32, [1])])
    for maps in [[plain, quantized], [quantized, plain]] {
      let error = #expect(throws: AlignmentError.self) {
        try plan(maps) {
          $0.missing = .intersect
          $0.outputDType = .float32
        }
      }
      #expect(error?.mismatches.count == 1)
    }
  }

  @Test func scalesOfDifferentDTypesAreRefused() throws {
    let maps = try [DType.float32, .float16].map {
      try map([("q.qweight", .int32, [2]), ("q.scales", $0, [2])])
    }
    #expect(throws: AlignmentError.self) { try plan(maps) { $0.outputDType = .float32 } }
  }

  @Test func optimizerStateOfOtherInputsDoesNotMatter() throws {
    let maps = try [
      map([("w", .float32, [1]), ("optimizer.m", .float32, [1])]),
      map([("w", .float32, [1]), ("optimizer.v", .float32, [1])]),
    ]
    #expect(try plan(maps).entries.map(\.info.name) == ["w", "optimizer.m"])
    #expect(try plan(maps) { $0.optimizer = .drop }.entries.map(\.info.name) == ["w"])
    #expect(throws: AlignmentError.self) { try plan(maps) { $0.optimizer = .average } }
  }

  @Test func optimizerStateFollowsThePolicy() throws {
    let maps = try [0, 1].map { _ in
      try map([("w", .float32, [1]), ("optimizer.w.exp_avg", .float32, [1])])
    }
    #expect(try plan(maps).entries[1].treatment == .fixed(.copy))
    #expect(try plan(maps).optimizerTensors == ["optimizer.w.exp_avg"])
    #expect(try plan(maps) { $0.optimizer = .drop }.entries.count == 1)
    #expect(try plan(maps) { $0.optimizer = .average }.entries[1].treatment == .combine)
  }

  @Test func aDTypeThatIsAskedForConvertsRealTensorsOnly() throws {
    let first = try map([("w", .float32, [1]), ("n", .int64, []), ("c", .complex64, [1])])
    let second = try map([("w", .bfloat16, [1]), ("n", .int64, []), ("c", .complex64, [1])])
    let plan = try plan([first, second]) { $0.outputDType = .float16 }
    #expect(plan.entries.map(\.info.dtype) == [.float16, .int64, .complex64])
  }

  @Test func wholeNumbersWrittenAsFloatsAreThoseOfTheInputThatHasThem() throws {
    let maps = try [DType.float16, .int64].map { dtype in
      try map([("e.position_ids", dtype, [1, 77]), ("w", .float32, [1])])
    }
    for maps in [maps, maps.reversed()] {
      let entry = try plan(maps).entries[0]
      #expect(entry.treatment == .fixed(.copy))
      #expect(entry.info.dtype == .int64)
    }
    let others = try [DType.float16, .int64].map { try map([("w", $0, [1])]) }
    #expect(throws: AlignmentError.self) { try plan(others) }
  }

  @Test func inputsInAnotherOrderAreMatchedByName() throws {
    let names = (0..<50).map { "w\($0)" }
    let first = try map(names.map { ($0, .float32, [1]) })
    let second = try map(names.reversed().map { ($0, .float32, [1]) })
    let weights = try plan([first, second]).weights { .uniform(inputCount: $0.count) }
    for tensor in weights.tensors {
      guard case .computed(_, let inputs) = tensor.storage else {
        Issue.record("a merged tensor is computed")
        continue
      }
      #expect(inputs.map(\.info.name) == [tensor.info.name, tensor.info.name])
    }
  }
}
