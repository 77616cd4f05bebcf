import Checkpoints
import TensorCore

/// Sums over the parameters of models, tensor by tensor.
struct DistanceReduction: BlockReduction {
  /// What the terms came to over some tensors.
  struct Sums: Sendable {
    var sums: [ReductionSum]
    /// For each term, the row that has the largest difference, or the first that makes a sum infinite.
    var rows: [Int]

    init(count: Int) {
      sums = Array(repeating: .zero, count: count)
      rows = Array(repeating: 0, count: count)
    }

    mutating func add(_ others: [ReductionSum], ofRow row: Int, isLargest: [Bool]) {
      for index in sums.indices {
        if isLargest[index] {
          if sums[index].raise(to: others[index]) { rows[index] = row }
        } else {
          let wasFinite = sums[index].value.isFinite
          sums[index].add(others[index])
          if wasFinite && !sums[index].value.isFinite { rows[index] = row }
        }
      }
    }
  }

  let reduction: PairReduction
  /// What all rows came to.
  private(set) var total: Sums
  /// What each layer came to.
  private(set) var layers: [Sums]
  /// What each row came to, when that is to be told.
  private(set) var tensors: [Sums]

  private let tellsTensors: Bool
  private let layerOfRow: [Int]
  private let isLargest: [Bool]
  private var current: Sums
  private var currentRow = -1

  /// - Parameter layerOfRow: the number of each row's layer; empty when layers are not told.
  init(
    _ reduction: PairReduction, rowCount: Int, layerOfRow: [Int], tellsTensors: Bool
  ) {
    self.reduction = reduction
    self.layerOfRow = layerOfRow
    self.tellsTensors = tellsTensors
    let none = Sums(count: reduction.terms.count)
    isLargest = reduction.terms.map { $0.quantity == .largestDifference }
    total = none
    current = none
    layers = Array(repeating: none, count: (layerOfRow.max() ?? -1) + 1)
    tensors = tellsTensors ? Array(repeating: none, count: rowCount) : []
  }

  func makeWorker() -> Worker { Worker(reduction) }

  mutating func add(_ partial: [ReductionSum], ofRow row: Int) {
    if row != currentRow { finishRow() }
    currentRow = row
    current.add(partial, ofRow: row, isLargest: isLargest)
  }

  /// Takes the sums of a row, all of which are there: so a total does not depend on how the tensors were cut.
  mutating func finishRow() {
    guard currentRow >= 0 else { return }
    total.add(current.sums, ofRow: currentRow, isLargest: isLargest)
    if !layerOfRow.isEmpty {
      layers[layerOfRow[currentRow]].add(current.sums, ofRow: currentRow, isLargest: isLargest)
    }
    if tellsTensors { tensors[currentRow] = current }
    current = Sums(count: reduction.terms.count)
    currentRow = -1
  }

  /// One thread's part.
  final class Worker: ReductionWorker {
    private let reduction: PairReduction
    private let scratch: ByteBuffer
    /// The sums of squared differences, which a value that is not finite makes so.
    private let telling: [Int]

    init(_ reduction: PairReduction) {
      self.reduction = reduction
      scratch = ByteBuffer(count: reduction.scratchSize)
      telling = reduction.terms.indices.filter {
        reduction.terms[$0].quantity == .squaredDifferences
      }
    }

    func reduce(_ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer)
      -> (partial: [ReductionSum], isFinite: Bool)
    {
      let sums = reduction.evaluate(
        operands, firstElement: firstElement, in: buffer, scratch: scratch)
      return (sums, telling.allSatisfy { sums[$0].value.isFinite })
    }
  }
}
