/// How the bytes of an output tensor come from the same places of its inputs.
public enum BlockOperation: Sendable, Hashable {
  /// What to do when inputs that should be equal are not.
  public enum Disagreement: Sendable, Hashable {
    /// The first input is taken, and the difference is reported.
    case takeFirst
    /// It is an error, as was asked for.
    case refuse
    /// It is an error, because the values are codes of a quantisation.
    case refuseCodes
    /// It is an error, because the values are too many to be counters and nothing explains them.
    case refuseUnexplained
  }

  /// The values of the only input, unchanged.
  case copy
  /// The values of the first input, which all others should equal.
  case copyAgreeing(Disagreement)
  /// The largest integer of the inputs.
  case maximum
  /// A linear combination of floating inputs, which may differ in dtype.
  indirect case linear(LinearRecurrence)
  /// The variance of several sets of data together, of all variances and then all means.
  indirect case pooledVariance(PooledVariance)
}

/// What a kernel noticed while it computed a block.
public struct BlockFindings: Sendable, Hashable {
  /// A result is NaN or infinite.
  public var hasNonFinite = false
  /// Inputs that should be equal are not.
  public var hasDisagreement = false
  /// A variance is negative.
  public var hasNegative = false
}

/// Elements of one output tensor in a buffer, and where their inputs stand in it.
public struct BlockOperands: Sendable {
  /// Where the elements of each input start.
  public var inputOffsets: [Int] = []
  /// The dtype of each input.
  public var inputDTypes: [DType] = [] {
    didSet { kernelTypes = inputDTypes.map(\.kernelCode) }
  }
  /// The dtypes as the kernels know them.
  private(set) var kernelTypes: [UInt8] = []
  /// Where the results go.
  public var outputOffset = 0
  /// The dtype of the results.
  public var outputDType = DType.float32
  /// How many elements; bytes for packed dtypes.
  public var elementCount = 0

  /// No operands yet.
  public init() {}
}

extension BlockOperation {
  /// Computes the output elements in `buffer`.
  public func evaluate(
    _ operands: BlockOperands, in buffer: ByteBuffer, path: ProcessorPath = .best
  ) -> BlockFindings {
    var findings = BlockFindings()
    switch self {
    case .copy:
      copyFirst(operands, in: buffer)
    case .copyAgreeing:
      copyFirst(operands, in: buffer)
      let byteCount = operands.elementCount * operands.outputDType.elementUnit
      let first = operands.inputOffsets[0]
      findings.hasDisagreement = operands.inputOffsets.dropFirst().contains { other in
        buffer.firstDifference(at: first, and: other, count: byteCount) != nil
      }
    case .maximum:
      Kernels.maximum(operands, in: buffer)
    case .linear(let recurrence):
      findings.hasNonFinite = !Kernels.combine(recurrence, operands, in: buffer, path: path)
    case .pooledVariance(let pooled):
      findings = pooled.evaluate(operands, in: buffer)
    }
    return findings
  }

  private func copyFirst(_ operands: BlockOperands, in buffer: ByteBuffer) {
    precondition(operands.inputDTypes.allSatisfy { $0 == operands.outputDType })
    let start = operands.inputOffsets[0]
    let byteCount = operands.elementCount * operands.outputDType.elementUnit
    buffer.copy(from: buffer, range: start..<start + byteCount, to: operands.outputOffset)
  }
}
