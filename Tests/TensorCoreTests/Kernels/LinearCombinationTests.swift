import TestSupport
import Testing

@testable import TensorCore

/// The kernels on every processor path against tables and midpoints.
@Suite struct LinearCombinationTests {
  /// Runs a combination of equally long inputs; returns canonical bytes and whether all is finite.
  static func combine(
    _ recurrence: LinearRecurrence, _ inputs: [(DType, [UInt8])], to output: DType,
    path: ProcessorPath, misalignment: Int = 0
  ) -> (bytes: [UInt8], isFinite: Bool) {
    let count = inputs[0].1.count / inputs[0].0.elementUnit
    let size = count * output.elementUnit
    let buffer = ByteBuffer(count: inputs.reduce(size + 256) { $0 + $1.1.count + 64 })
    var operands = BlockOperands()
    operands.outputDType = output
    operands.elementCount = count
    operands.outputOffset = misalignment
    operands.inputDTypes = inputs.map(\.0)
    var position = size + 64 + misalignment
    for (_, bytes) in inputs {
      buffer.copy(from: bytes, range: 0..<bytes.count, to: position)
      operands.inputOffsets.append(position)
      position += bytes.count + misalignment
    }
    let findings = BlockOperation.linear(recurrence).evaluate(operands, in: buffer, path: path)
    if findings.hasNonFinite {
      Kernels.canonicalizeNaN(
        in: buffer, at: misalignment, dtype: output, elementCount: count)
    }
    return (buffer.bytes(in: misalignment..<misalignment + size), !findings.hasNonFinite)
  }

  static func bytes(_ values: [Double]) -> [UInt8] {
    values.flatMap { value in
      (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
  }

  static func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
  }

  @Test(arguments: ProcessorPath.available, ExactFormat.all)
  func everyPatternSurvivesTheIdentity(path: ProcessorPath, format: ExactFormat) {
    let finite = format.values.indices.filter { format.values[$0].isFinite }
    let (result, isFinite) = Self.combine(
      .uniform(inputCount: 1), [(format.dtype, format.bytes(finite))], to: format.dtype, path: path)
    #expect(format.patterns(result) == finite)
    #expect(isFinite)
  }

  @Test(arguments: ProcessorPath.available, ExactFormat.all)
  func meansOfAllPatternsAreRoundedOnce(path: ProcessorPath, format: ExactFormat) {
    var generator = SplitMix(seed: 7)
    let first = format.values.indices.filter { format.values[$0].isFinite }
    let second = first.shuffled(using: &generator)
    let (result, _) = Self.combine(
      .uniform(inputCount: 2),
      [(format.dtype, format.bytes(first)), (format.dtype, format.bytes(second))],
      to: format.dtype, path: path)
    let expected = zip(first, second).map { first, second in
      format.rounded((format.values[first] + format.values[second]) * 0.5) ?? -1
    }
    #expect(format.patterns(result) == expected)
  }

  @Test(arguments: ProcessorPath.available, ExactFormat.all)
  func valuesAroundMidpointsAreRoundedOnce(path: ProcessorPath, format: ExactFormat) {
    let sorted = format.values.filter { $0.isFinite && $0 >= 0 }.sorted()
    let step = max(1, sorted.count / 3000)
    var values: [Double] = []
    for index in stride(from: 1, to: sorted.count, by: step) {
      let midpoint = (sorted[index - 1] + sorted[index]) / 2
      values += [midpoint, midpoint.nextUp, midpoint.nextDown, -midpoint, -midpoint.nextUp]
    }
    let (result, _) = Self.combine(
      .uniform(inputCount: 1), [(.float64, Self.bytes(values))], to: format.dtype, path: path)
    #expect(format.patterns(result) == values.map { format.rounded($0) ?? -1 })
  }

  @Test(arguments: ProcessorPath.available)
  func weightedSumsOfF32FollowTheOrderWithoutFusing(path: ProcessorPath) {
    var generator = SplitMix(seed: 11)
    let patterns = (0..<3).map { _ in
      (0..<4099).map { _ in Float.finitePattern(using: &generator) }
    }
    let coefficients = [0.7, -0.45, 0.75]
    let recurrence = LinearRecurrence.weighted(coefficients: coefficients)
    let (result, _) = Self.combine(
      recurrence, patterns.map { (.float32, Self.bytes($0)) }, to: .float32, path: path,
      misalignment: 3)
    let expected = patterns[0].indices.map { index in
      var sum = coefficients[0] * Double(patterns[0][index])
      for input in 1..<3 {
        let product = coefficients[input] * Double(patterns[input][index])
        sum = sum + product
      }
      return Float(sum)
    }
    #expect(result == Self.bytes(expected.map { $0.isNaN ? Float(bitPattern: 0x7FC0_0000) : $0 }))
  }

  @Test(arguments: ProcessorPath.available)
  func movingAveragesAreOneRecurrence(path: ProcessorPath) {
    var generator = SplitMix(seed: 13)
    let values = (0..<4).map { _ in
      (0..<1001).map { _ in Double.random(in: -10...10, using: &generator) }
    }
    let decays = [0.9, 0.99, 0.5]
    let (result, _) = Self.combine(
      .movingAverage(decays: decays), values.map { (.float64, Self.bytes($0)) }, to: .float64,
      path: path)
    let expected = values[0].indices.map { index in
      var state = values[0][index]
      for (number, decay) in decays.enumerated() {
        let kept = decay * state
        let added = (1 - decay) * values[number + 1][index]
        state = kept + added
      }
      return state
    }
    #expect(result == Self.bytes(expected))
  }

  @Test(arguments: ProcessorPath.available)
  func negativeZeroSurvives(path: ProcessorPath) {
    let zeros = Self.bytes([Float](repeating: -0.0, count: 33))
    let (result, isFinite) = Self.combine(
      .uniform(inputCount: 2), [(.float32, zeros), (.float32, zeros)], to: .float32, path: path)
    #expect(result == zeros)
    #expect(isFinite)
  }

  @Test(arguments: ProcessorPath.available, [17, 1, 40])
  func overflowOnRoundingIsReported(path: ProcessorPath, count: Int) {
    var values = [Double](repeating: 1, count: count)
    values[count - 1] = 1e300
    let (_, isFinite) = Self.combine(
      .uniform(inputCount: 1), [(.float64, Self.bytes(values))], to: .float32, path: path)
    #expect(!isFinite)
  }

  @Test(arguments: ProcessorPath.available)
  func nanHasOneFormAndInfinityStays(path: ProcessorPath) {
    let inputs: [Float] = [
      Float(bitPattern: 0xFFC0_1234), Float(bitPattern: 0x7F80_0001), .infinity, -.infinity, 1,
    ]
    let (result, isFinite) = Self.combine(
      .uniform(inputCount: 1), [(.float32, Self.bytes(inputs))], to: .float32, path: path)
    let quiet = Float(bitPattern: 0x7FC0_0000)
    let expected: [Float] = [quiet, quiet, .infinity, -.infinity, 1]
    #expect(result == Self.bytes(expected))
    #expect(!isFinite)
  }

  @Test func allPathsAgreeOnEveryPairOfDTypes() {
    var generator = SplitMix(seed: 17)
    let dtypes: [DType] = [.float64, .float32, .float16, .bfloat16, .float8E4M3, .float8E5M2]
    for input in dtypes {
      for output in dtypes {
        let inputs = (0..<3).map { _ in
          (
            input,
            (0..<517 * input.elementUnit).map { _ in UInt8.random(in: 0...255, using: &generator) }
          )
        }
        for recurrence in [
          LinearRecurrence.uniform(inputCount: 3), .weighted(coefficients: [0.5, 0.25, 0.25]),
          .movingAverage(decays: [0.9, 0.9]),
        ] {
          let results = ProcessorPath.available.map {
            Self.combine(recurrence, inputs, to: output, path: $0)
          }
          for result in results.dropFirst() {
            #expect(result.bytes == results[0].bytes, "\(input) to \(output)")
            #expect(result.isFinite == results[0].isFinite)
          }
        }
      }
    }
  }

  @Test func complexNumbersAreCombinedPartByPart() {
    let numbers: [[Float]] = [[1, 2, 3, 4], [3, 6, 5, -4], [2, 4, 4, 0]]
    let (first, second) = (Self.bytes(numbers[0]), Self.bytes(numbers[1]))
    let (result, _) = Self.combine(
      .uniform(inputCount: 2), [(.complex64, first), (.complex64, second)], to: .complex64,
      path: .best)
    #expect(result == Self.bytes(numbers[2]))
  }
}

extension Float {
  /// Any finite value: subnormal ones, zeros of both signs and the largest are as likely as others.
  fileprivate static func finitePattern(using generator: inout SplitMix) -> Float {
    let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator))
    return value.isFinite && value.magnitude < 1e38 ? value : 0
  }
}
