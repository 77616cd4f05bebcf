import TestSupport
import Testing

@testable import TensorCore

/// The sums on every processor path against sums in 80 bits.
@Suite struct PairReductionTests {
  private static let quantities: [PairReduction.Quantity] = [
    .squaredDifferences, .products, .absoluteDifferences, .signDifferences, .largestDifference,
  ]

  /// Reduces inputs that stand one behind the other, none of them aligned.
  private static func reduce(
    _ terms: [PairReduction.Term], _ inputs: [(DType, [UInt8])], path: ProcessorPath
  ) -> [ReductionSum] {
    let reduction = PairReduction(terms, inputCount: inputs.count)
    let buffer = ByteBuffer(count: inputs.reduce(64) { $0 + $1.1.count + 3 })
    var operands = BlockOperands()
    operands.inputDTypes = inputs.map(\.0)
    operands.elementCount = inputs[0].1.count / inputs[0].0.elementUnit
    var position = 1
    for (_, bytes) in inputs {
      buffer.copy(from: bytes, range: 0..<bytes.count, to: position)
      operands.inputOffsets.append(position)
      position += bytes.count + 3
    }
    return reduction.evaluate(
      operands, firstElement: 0, in: buffer, scratch: ByteBuffer(count: reduction.scratchSize),
      path: path)
  }

  private static func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix(seed: seed)
    return (0..<count).map { index in
      // Zeros of both signs among them.
      index % 17 == 3 ? (index % 2 == 0 ? 0.0 : -0.0) : Float.random(in: -1...1, using: &generator)
    }
  }

  private static func expected(
    _ quantity: PairReduction.Quantity, _ left: [Double], _ right: [Double]
  ) -> Double {
    var sum: Float80 = 0
    for (x, y) in zip(left, right) {
      let difference = Float80(x - y)
      switch quantity {
      case .squaredDifferences: sum += difference * difference
      case .products: sum += Float80(x) * Float80(y)
      case .absoluteDifferences: sum += difference.magnitude
      case .signDifferences: sum += (x > 0) == (y > 0) && (x < 0) == (y < 0) ? 0 : 1
      case .largestDifference: sum = max(sum, difference.magnitude)
      }
    }
    return Double(sum)
  }

  @Test(arguments: ProcessorPath.available, [0, 1, 31, 32, 33, 1024, 2100])
  func sumsAreThoseOfWiderNumbers(path: ProcessorPath, count: Int) {
    let (left, right) = (Self.random(count, seed: 1), Self.random(count, seed: 2))
    let terms = Self.quantities.map { PairReduction.Term($0, .input(0), .input(1)) }
    let sums = Self.reduce(
      terms,
      [
        (.float32, LinearCombinationTests.bytes(left)),
        (.float32, LinearCombinationTests.bytes(right)),
      ], path: path)
    for (quantity, sum) in zip(Self.quantities, sums) {
      let expected = Self.expected(quantity, left.map(Double.init), right.map(Double.init))
      #expect((sum.total - expected).magnitude <= 1e-15 * max(expected.magnitude, 1))
    }
  }

  @Test(arguments: [DType.float64, .float32, .float16, .bfloat16, .float8E4M3, .float8E5M2])
  func everyPathGivesTheSameBits(dtype: DType) throws {
    let count = 1100
    let inputs = try (0..<3).map { seed -> (DType, [UInt8]) in
      let values = Self.random(count, seed: UInt64(seed + 10))
      let tensor = try Tensor(name: "x", shape: Shape([count]), values: values)
      let info = try TensorInfo(name: "x", dtype: dtype, shape: Shape([count]))
      let identity = BlockOperation.linear(.uniform(inputCount: 1))
      return (dtype, try Tensor(info, storage: .computed(identity, [tensor])).bytes())
    }
    for inputs in [inputs, Array(inputs[..<2])] {
      let terms = Self.quantities.flatMap { quantity in
        (1..<inputs.count).map { PairReduction.Term(quantity, .input(0), .input($0)) }
      }
      let results = ProcessorPath.available.map { Self.reduce(terms, inputs, path: $0) }
      #expect(results.allSatisfy { $0 == results[0] })
      // More inputs, which are converted first, give the same bits, too.
      let pair = terms.firstIndex { $0.right == .input(1) && $0.quantity == .squaredDifferences }
      #expect(results[0][try #require(pair)].value > 0)
    }
  }

  @Test func moreInputsDoNotChangeThePair() {
    let inputs = (0..<3).map {
      (DType.float32, LinearCombinationTests.bytes(Self.random(2100, seed: $0)))
    }
    let terms = Self.quantities.map { PairReduction.Term($0, .input(0), .input(1)) }
    for path in ProcessorPath.available {
      #expect(
        Self.reduce(terms, inputs, path: path)
          == Self.reduce(terms, Array(inputs[..<2]), path: path))
    }
  }

  @Test(arguments: ProcessorPath.available)
  func operandsAreMadeOfInputs(path: ProcessorPath) {
    let values: [[Float]] = [[1, 2, 4], [3, 6, -4], [5, 1, 6]]
    let sums = Self.reduce(
      [
        .init(.products, .mean(0..<3), .mean(0..<3)),
        .init(.products, .difference(0, 2), .difference(1, 2)),
        .init(.absoluteDifferences, .input(1), .zero),
      ], values.map { (.float32, LinearCombinationTests.bytes($0)) }, path: path)
    // Means 3, 3, 2; differences −4, 1, −2 and −2, 5, −10; magnitudes 3, 6, 4.
    #expect(sums.map(\.total) == [22, 33, 13])
  }

  @Test func theFirstOfEqualDifferencesIsNamed() {
    var right = [Float](repeating: 0, count: 3000)
    right[2050] = -2
    right[2051] = 2
    for path in ProcessorPath.available {
      for inputs in [2, 3] {
        let zeros = [Float](repeating: 0, count: 3000)
        let sums = Self.reduce(
          [.init(.largestDifference, .input(0), .input(1))],
          [zeros, right, zeros].prefix(inputs).map {
            (.float32, LinearCombinationTests.bytes($0))
          }, path: path)
        #expect(sums[0].value == 2)
        #expect(sums[0].place == 2050)
      }
    }
  }

  @Test func integersAreNumbers() {
    for path in ProcessorPath.available {
      let sums = Self.reduce(
        [.init(.squaredDifferences, .input(0), .input(1))],
        [(.int8, [255, 3, 128]), (.uint8, [255, 3, 128])], path: path)
      // −1 and 255, −128 and 128.
      #expect(sums[0].total == 2 * 256 * 256)
    }
  }

  @Test func roundingErrorsOfGroupsAreKept() {
    // Thousands of groups that a plain sum would lose beside the first one.
    var values = [Double](repeating: 0x1p-30, count: 1024 * 200)
    values[0] = 0x1p26
    let zeros = [Double](repeating: 0, count: values.count)
    let sums = Self.reduce(
      [.init(.absoluteDifferences, .input(0), .input(1))],
      [(.float64, bytes(values)), (.float64, bytes(zeros))], path: .best)
    let expected = 0x1p26 + Double(values.count - 1) * 0x1p-30
    #expect((sums[0].total - expected).magnitude <= 0x1p-24)
  }

  private func bytes(_ values: [Double]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }

  @Test func sumsAreAddedWithTheirErrors() {
    var sum = ReductionSum(value: 1, error: 0, place: nil)
    for _ in 0..<1000 { sum.add(ReductionSum(value: 0x1p-60, error: 0, place: nil)) }
    sum.add(ReductionSum(value: -1, error: 0, place: nil))
    #expect(sum.total == 1000 * 0x1p-60)
  }
}
