public import Checkpoints
public import TensorCore

/// Statistics of every tensor of a checkpoint, from one pass over its files.
public struct CheckpointStatistics: Sendable {
  /// The statistics of each tensor in the order of the weights; nil for codes, of which nothing can be told.
  public let tensors: [TensorStatistics?]

  /// Reads every value once.
  ///
  /// - Throws: what reading throws, and `StreamError` when it is interrupted.
  public init(of weights: WeightMap, options: StreamOptions = StreamOptions()) throws {
    let told = weights.tensors.indices.filter {
      TensorStatistics.areTold(of: weights.tensors[$0].info.dtype)
    }
    var options = options
    options.nonFinite = .allow
    let reductions = BlockReductions(
      told.map { [weights.tensors[$0]] }, inputCount: 1, options: options)
    let found = try reductions.run(StatisticsReduction(rowCount: told.count)).reduction.rows
    var tensors = [TensorStatistics?](repeating: nil, count: weights.count)
    for (row, tensor) in told.enumerated() { tensors[tensor] = found[row] }
    self.tensors = tensors
  }
}

/// Adds the statistics of blocks in their order.
private struct StatisticsReduction: BlockReduction {
  private(set) var rows: [TensorStatistics]

  init(rowCount: Int) { rows = Array(repeating: TensorStatistics(), count: rowCount) }

  func makeWorker() -> Worker { Worker() }

  mutating func add(_ partial: TensorStatistics, ofRow row: Int) { rows[row].add(partial) }

  final class Worker: ReductionWorker {
    func reduce(_ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer)
      -> (partial: TensorStatistics, isFinite: Bool)
    {
      let found = TensorStatistics(
        of: buffer, at: operands.inputOffsets[0], dtype: operands.inputDTypes[0],
        elementCount: operands.elementCount)
      return (found, true)
    }
  }
}
