import TensorCore

/// Tensors of several inputs, cut into blocks that are read and reduced.
///
/// The blocks depend on the tensors alone. A tensor is cut at multiples of `BlockReductions.unit` elements.
struct ReductionProgram: Sendable {
  /// Elements of one row that lie in a block.
  struct Segment: InputSegment {
    let row: Int
    let firstExtent: Int
    let inputCount: Int
    let firstElement: Int
    let elementCount: Int
  }

  /// The first row of a block, and the element of it at which the block starts.
  private struct Start {
    let row: Int
    let element: Int
  }

  /// The bytes of all inputs of a block, which should stay in a second-level cache of 1 MiB.
  private static let blockBudget = 1 << 20
  /// Thousands of tiny tensors are small work for a block, but each takes some memory.
  private static let maximumSegmentCount = 2048

  let rows: [[Tensor]]
  let inputCount: Int
  private(set) var inputs = StreamInputs()
  /// The number of bytes of all inputs.
  private(set) var byteCount = 0
  private var starts: [Start] = []

  var blockCount: Int { starts.count }

  /// The most bytes that the inputs of a block take in a buffer, each beginning on a cache line.
  var bufferSize: Int {
    // A block has at least one unit, whatever the budget.
    max(ReductionProgram.blockBudget, BlockReductions.unit * 16 * inputCount) + inputCount * 64
  }

  /// - Parameter rows: the same tensor of each input, all of the same shape and of whole-byte elements.
  init(_ rows: [[Tensor]], inputCount: Int) {
    precondition(rows.allSatisfy { $0.count == inputCount })
    self.rows = rows
    self.inputCount = inputCount
    var room = 0
    var segmentCount = 0
    for row in rows.indices {
      for number in 0..<inputCount { inputs.append(rows[row][number], expectedSource: number) }
      let width = rows[row].reduce(0) { $0 + $1.info.dtype.elementUnit }
      let count = rows[row][0].info.shape.elementCount
      byteCount += count * width
      var element = 0
      while element < count {
        var taken = min(count - element, room / width)
        if taken < count - element { taken = taken / BlockReductions.unit * BlockReductions.unit }
        if taken == 0 || segmentCount == ReductionProgram.maximumSegmentCount {
          starts.append(Start(row: row, element: element))
          room = max(ReductionProgram.blockBudget, BlockReductions.unit * width)
          segmentCount = 0
          continue
        }
        element += taken
        room -= taken * width
        segmentCount += 1
      }
    }
    inputs.finish()
  }

  /// What a block consists of.
  func collectSegments(of block: Int, into segments: inout [Segment]) {
    segments.removeAll(keepingCapacity: true)
    let start = starts[block]
    let end = block + 1 < starts.count ? starts[block + 1] : Start(row: rows.count, element: 0)
    var row = start.row
    var element = start.element
    while row < end.row || (row == end.row && element < end.element) {
      let last = row == end.row ? end.element : rows[row][0].info.shape.elementCount
      if last > element {
        segments.append(
          Segment(
            row: row, firstExtent: row * inputCount, inputCount: inputCount,
            firstElement: element, elementCount: last - element))
      }
      row += 1
      element = 0
    }
  }
}
