import Testing

@testable import TensorCore

@Suite struct PooledVarianceTests {
  /// The variance of all data, from the variances and means of its parts.
  @Test func poolingPartsGivesTheVarianceOfTheWhole() throws {
    let parts: [[Double]] = [[1, 2, 4, 9], [0.5, -3, 7, 2]]
    let whole = parts.flatMap { $0 }
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    func variance(_ x: [Double]) -> Double { mean(x.map { ($0 - mean(x)) * ($0 - mean(x)) }) }
    let statistics = parts.map(variance) + parts.map(mean)
    let tensors = try statistics.map { value in
      try Tensor(name: "v", shape: Shape([1]), values: [Float(value)])
    }
    let info = try TensorInfo(name: "v", dtype: .float64, shape: Shape([1]))
    let pooled = BlockOperation.pooledVariance(PooledVariance(coefficients: [0.5, 0.5]))
    let result = try Tensor(info, storage: .computed(pooled, tensors)).values()
    #expect(abs(result[0] - variance(whole)) < 1e-5)
  }

  @Test func aNegativeVarianceIsFound() {
    let buffer = ByteBuffer(count: 64)
    buffer.fill(0..<64, with: [0])
    let minusOne: [UInt8] = [0, 0, 0x80, 0xBF]
    buffer.copy(from: minusOne, range: 0..<4, to: 0)
    var operands = BlockOperands()
    operands.inputOffsets = [0, 16]
    operands.inputDTypes = [.float32, .float32]
    operands.outputOffset = 32
    operands.elementCount = 1
    let pooled = BlockOperation.pooledVariance(PooledVariance(coefficients: [1]))
    #expect(pooled.evaluate(operands, in: buffer).hasNegative)
    #expect(buffer.bytes(in: 32..<36) == minusOne)
  }

  @Test func coefficientsOfARecurrenceAreWhatEachInputIsMultipliedBy() {
    #expect(
      LinearRecurrence.uniform(inputCount: 4).effectiveCoefficients == [0.25, 0.25, 0.25, 0.25])
    #expect(
      LinearRecurrence.weighted(coefficients: [0.75, 0.25]).effectiveCoefficients == [0.75, 0.25])
    let average = LinearRecurrence.movingAverage(decays: [0.5, 0.75])
    #expect(average.effectiveCoefficients == [0.375, 0.375, 0.25])
  }
}
