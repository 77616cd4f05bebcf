public import Checkpoints
public import TensorCore

/// The tensors of a checkpoint that hold NaN or infinity, from one pass over its files.
public struct NonFiniteValues: Sendable {
  /// What a tensor holds.
  public struct Finding: Sendable {
    /// The tensor.
    public let tensor: TensorInfo
    /// How many values are NaN.
    public fileprivate(set) var nanCount = 0
    /// How many values are infinite.
    public fileprivate(set) var infinityCount = 0
    /// The first of them, in C order.
    public let firstPlace: Int
  }

  /// The tensors that hold some, in the order of the checkpoint.
  public let findings: [Finding]

  /// Reads every value once.
  ///
  /// - Throws: what reading throws, and `StreamError` when it is interrupted.
  public init(in weights: WeightMap, options: StreamOptions = StreamOptions()) throws {
    let floating = weights.tensors.filter { $0.info.dtype.isAveraged }
    var options = options
    options.nonFinite = .allow
    let reductions = BlockReductions(floating.map { [$0] }, inputCount: 1, options: options)
    let found = try reductions.run(NonFiniteReduction(tensors: floating)).reduction.findings
    findings = found.keys.sorted().compactMap { found[$0] }
  }
}

/// Collects what blocks found.
private struct NonFiniteReduction: BlockReduction {
  let tensors: [Tensor]
  private(set) var findings: [Int: NonFiniteValues.Finding] = [:]

  init(tensors: [Tensor]) { self.tensors = tensors }

  func makeWorker() -> Worker { Worker() }

  mutating func add(_ partial: Worker.Found?, ofRow row: Int) {
    guard let partial else { return }
    let info = tensors[row].info
    var finding =
      findings[row] ?? NonFiniteValues.Finding(tensor: info, firstPlace: partial.firstPlace)
    finding.nanCount += partial.statistics.nanCount
    finding.infinityCount += partial.statistics.infinityCount
    findings[row] = finding
  }

  final class Worker: ReductionWorker {
    struct Found: Sendable {
      let firstPlace: Int
      let statistics: TensorStatistics
    }

    func reduce(_ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer)
      -> (partial: Found?, isFinite: Bool)
    {
      let (offset, dtype) = (operands.inputOffsets[0], operands.inputDTypes[0])
      guard
        let first = Kernels.firstNonFinite(
          in: buffer, at: offset, dtype: dtype, elementCount: operands.elementCount)
      else { return (nil, true) }
      // Only a block that has some is counted through.
      let statistics = TensorStatistics(
        of: buffer, at: offset, dtype: dtype, elementCount: operands.elementCount)
      return (Found(firstPlace: firstElement + first, statistics: statistics), true)
    }
  }
}
