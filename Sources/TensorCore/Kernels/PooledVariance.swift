/// The variance of several sets of data together, from the mean and variance of each.
///
/// Σcᵢ(varᵢ + meanᵢ²) − (Σcᵢmeanᵢ)², in float64, the inputs in their order, rounded once. The operands are all
/// variances and then all means.
public struct PooledVariance: Sendable, Hashable {
  /// The part of each set; they sum to 1.
  public let coefficients: [Double]

  /// Pools sets with these parts.
  public init(coefficients: [Double]) {
    precondition(!coefficients.isEmpty)
    self.coefficients = coefficients
  }

  /// Computes the output elements; returns whether all are finite, and whether one is negative.
  func evaluate(_ operands: BlockOperands, in buffer: ByteBuffer) -> BlockFindings {
    let inputCount = coefficients.count
    precondition(operands.inputOffsets.count == 2 * inputCount)
    let count = operands.elementCount
    let columns = operands.inputOffsets.indices.map { operands.doubles(ofInput: $0, in: buffer) }
    var findings = BlockFindings()
    var results = [Double](repeating: 0, count: count)
    for element in 0..<count {
      var (squares, mean) = (0.0, 0.0)
      for (input, coefficient) in coefficients.enumerated() {
        let value = columns[inputCount + input][element]
        let square = columns[input][element] + value * value
        squares = input == 0 ? coefficient * square : squares + coefficient * square
        mean = input == 0 ? coefficient * value : mean + coefficient * value
      }
      results[element] = squares - mean * mean
      if results[element] < 0 { findings.hasNegative = true }
    }
    findings.hasNonFinite = !operands.store(results, in: buffer)
    return findings
  }
}

extension LinearRecurrence {
  /// What each input is multiplied by in the end.
  public var effectiveCoefficients: [Double] {
    var factor = scale
    var result: [Double] = []
    for input in (0..<inputCount).reversed() {
      result.append((coefficients?[input] ?? 1) * factor)
      factor *= decays?[input] ?? 1
    }
    return result.reversed()
  }
}

extension BlockOperands {
  /// The elements of an input, exactly.
  fileprivate func doubles(ofInput input: Int, in buffer: ByteBuffer) -> [Double] {
    let dtype = inputDTypes[input]
    let size = elementCount * dtype.elementUnit
    let work = ByteBuffer(count: elementCount * 8 + size)
    work.copy(
      from: buffer, range: inputOffsets[input]..<inputOffsets[input] + size, to: elementCount * 8)
    convert(in: work, from: (dtype, elementCount * 8), to: (.float64, 0))
    return work.doubles(count: elementCount)
  }

  /// Rounds results to the output's dtype; returns whether all are finite.
  fileprivate func store(_ results: [Double], in buffer: ByteBuffer) -> Bool {
    let size = elementCount * outputDType.elementUnit
    let work = ByteBuffer(count: elementCount * 8 + size)
    work.store(results)
    let isFinite = convert(in: work, from: (.float64, 0), to: (outputDType, elementCount * 8))
    buffer.copy(from: work, range: elementCount * 8..<elementCount * 8 + size, to: outputOffset)
    return isFinite
  }

  @discardableResult
  private func convert(
    in work: ByteBuffer, from source: (dtype: DType, offset: Int),
    to target: (dtype: DType, offset: Int)
  ) -> Bool {
    var operands = BlockOperands()
    operands.inputOffsets = [source.offset]
    operands.inputDTypes = [source.dtype]
    operands.outputOffset = target.offset
    operands.outputDType = target.dtype
    operands.elementCount = elementCount
    return !BlockOperation.linear(.uniform(inputCount: 1)).evaluate(operands, in: work).hasNonFinite
  }
}

extension ByteBuffer {
  /// The first `count` elements of float64.
  fileprivate func doubles(count: Int) -> [Double] {
    unsafe withUnsafeBytes(in: 0..<count * 8) { bytes in
      unsafe Array(bytes.bindMemory(to: Double.self))
    }
  }

  /// Puts elements of float64 at the start.
  fileprivate func store(_ values: [Double]) {
    unsafe withUnsafeBytes(in: 0..<values.count * 8) { bytes in
      unsafe values.withUnsafeBytes { unsafe bytes.copyMemory(from: $0) }
    }
  }
}
