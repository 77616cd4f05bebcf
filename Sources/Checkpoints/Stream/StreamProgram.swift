import TensorCore

/// A layout and the tensors in it, prepared for streaming: what to read, compute and put where.
///
/// Tensors that follow each other in the output and in all inputs, and are computed alike, make one run, so
/// that thousands of small tensors cost no more than one large one.
struct StreamProgram: Sendable {
  /// Output bytes that are computed alike from extents without gaps.
  ///
  /// Small numbers are kept narrow: tensors in different orders have a run each.
  struct Run: Sendable {
    let offset: Int
    var byteCount: Int
    let firstExtent: Int
    private let narrowOperation: Int32
    private let narrowDTypes: Int32
    private let narrowInputCount: Int32
    private let narrowReversedWidth: Int8
    let dtype: DType

    var operation: Int { Int(narrowOperation) }
    /// Which list of input dtypes.
    var dtypes: Int { Int(narrowDTypes) }
    var inputCount: Int { Int(narrowInputCount) }
    var end: Int { offset + byteCount }
    /// The width of the groups of bytes that are reversed in the output.
    var reversedWidth: Int? { narrowReversedWidth == 0 ? nil : Int(narrowReversedWidth) }

    init(
      of tensor: TensorInfo, at offset: Int, operation: Int, dtypes: Int, extents: Range<Int>,
      reversedWidth: Int?
    ) {
      narrowReversedWidth = Int8(reversedWidth ?? 0)
      self.offset = offset
      byteCount = tensor.byteCount
      dtype = tensor.dtype
      firstExtent = extents.lowerBound
      narrowOperation = Int32(operation)
      narrowDTypes = Int32(dtypes)
      narrowInputCount = Int32(extents.count)
    }
  }

  /// A file of the output.
  struct File: Sendable {
    let layout: OutputLayout.File
    let runs: [Run]
    let firstBlock: Int
  }

  private(set) var files: [File] = []
  private(set) var inputs = StreamInputs()
  private(set) var operations: [BlockOperation] = []
  /// The dtypes of the inputs of runs: few different lists.
  private(set) var inputDTypes: [[DType]] = []
  /// The weights as they are named in messages.
  let weights: WeightMap
  /// The same tensors in the order in which their values are placed.
  let placed: [Tensor]
  /// The largest number of bytes of a block.
  private(set) var blockSize = StreamProgram.blockUnit
  private(set) var blockCount = 0
  /// The most input bytes that one output byte needs.
  private(set) var inputRatio = 0.0
  /// The most inputs that a run has.
  private(set) var maximumInputCount = 1

  /// The memory of one thread that should stay in a second-level cache of 1 MiB and a bit.
  private static let cacheBudget = 1536 << 10
  /// The memory of all threads where blocks cannot be small.
  private static let memoryBudget = 32 << 20
  /// Blocks start at multiples of this size, that of a page.
  private static let blockUnit = 4 << 10

  init(_ weights: WeightMap, layout: OutputLayout) {
    self.weights = weights
    placed = layout.placed ?? weights.tensors
    let runs = layout.files.map { makeRuns($0) }
    let unit = StreamProgram.blockUnit
    let fitting = Int(Double(StreamProgram.cacheBudget) / (1 + inputRatio)) / unit * unit
    // Small outputs are done before large buffers pay.
    let share = max(128 << 10, layout.files.reduce(0) { $0 + $1.size } / 512 / unit * unit)
    blockSize = min(512 << 10, share, max(unit, fitting))
    for (file, runs) in zip(layout.files, runs) {
      files.append(File(layout: file, runs: runs, firstBlock: blockCount))
      blockCount += file.cuts.isEmpty ? (file.size + blockSize - 1) / blockSize : file.cuts.count
    }
    if let size = layout.files.compactMap(\.largestBlock).max() { blockSize = size }
    inputs.finish()
  }

  /// The bytes of a block in its file.
  func range(ofBlock block: Int, in file: File) -> Range<Int> {
    let number = block - file.firstBlock
    let cuts = file.layout.cuts
    if cuts.isEmpty {
      let start = number * blockSize
      return start..<min(start + blockSize, file.layout.size)
    }
    return cuts[number]..<(number + 1 < cuts.count ? cuts[number + 1] : file.layout.size)
  }

  /// How many threads can each hold a block and its inputs in memory: blocks are as large as the largest
  /// chunk that must be written as one.
  var affordableThreads: Int {
    let one = Double(blockSize) * (1 + inputRatio) + 1
    return max(1, Int(Double(StreamProgram.memoryBudget) / one))
  }

  /// The number of bytes of all files.
  var byteCount: Int { files.reduce(0) { $0 + $1.layout.size } }

  /// Which tensor holds the byte at `offset` of a file; nil in the prefix.
  func placement(at offset: Int, in file: File) -> OutputLayout.Placement? {
    // Empty tensors share a place with the tensor behind them; the last one at the place holds the byte.
    let behind = file.layout.placements.partitioningIndex { $0.offset > offset }
    return behind > 0 ? file.layout.placements[behind - 1] : nil
  }

  private mutating func makeRuns(_ file: OutputLayout.File) -> [Run] {
    var runs: [Run] = []
    var carried = file.carried[...]
    for placement in file.placements {
      while let piece = carried.first, piece.offset < placement.offset {
        runs.append(makeRun(piece.bytes, at: piece.offset))
        carried.removeFirst()
      }
      let tensor = placed[placement.tensor]
      if tensor.info.byteCount == 0 { continue }
      if let last = runs.last, last.end == placement.offset,
        last.reversedWidth == placement.reversedWidth, isContinuation(tensor, of: last)
      {
        runs[runs.count - 1].byteCount += tensor.info.byteCount
      } else {
        runs.append(
          makeRun(tensor, at: placement.offset, reversedWidth: placement.reversedWidth))
      }
    }
    for piece in carried { runs.append(makeRun(piece.bytes, at: piece.offset)) }
    return runs
  }

  private mutating func makeRun(_ tensor: Tensor, at offset: Int, reversedWidth: Int? = nil) -> Run
  {
    let operation: BlockOperation
    let firstExtent = inputs.extents.count
    switch tensor.storage {
    case .bytes:
      operation = .copy
      inputs.append(tensor, expectedSource: 0)
    case .computed(let computation, let tensors):
      operation = computation
      for number in tensors.indices { inputs.append(tensors[number], expectedSource: number) }
    }
    if operations.last != operation { operations.append(operation) }
    let dtypes = inputs.extents[firstExtent...].lazy.map(\.dtype)
    let width = dtypes.reduce(0) { $0 + $1.elementUnit }
    inputRatio = max(inputRatio, Double(width) / Double(tensor.info.dtype.elementUnit))
    maximumInputCount = max(maximumInputCount, inputs.extents.count - firstExtent)
    if inputDTypes.last?.elementsEqual(dtypes) != true { inputDTypes.append(Array(dtypes)) }
    return Run(
      of: tensor.info, at: offset, operation: operations.count - 1, dtypes: inputDTypes.count - 1,
      extents: firstExtent..<inputs.extents.count, reversedWidth: reversedWidth)
  }

  /// Whether a tensor is computed like the last run, from the bytes behind those of the run.
  private func isContinuation(_ tensor: Tensor, of last: Run) -> Bool {
    guard tensor.info.dtype == last.dtype else { return false }
    let elementCount = last.byteCount / last.dtype.elementUnit
    switch tensor.storage {
    case .bytes:
      return operations[last.operation] == .copy && last.inputCount == 1
        && inputs.isContinuation(tensor, of: last.firstExtent, behind: elementCount)
    case .computed(let operation, let tensors):
      guard tensors.count == last.inputCount else { return false }
      for number in tensors.indices {
        let extent = last.firstExtent + number
        guard inputs.isContinuation(tensors[number], of: extent, behind: elementCount) else {
          return false
        }
      }
      return operation == operations[last.operation]
    }
  }
}

extension Array {
  /// The first index whose element meets a condition that all later ones meet too.
  func partitioningIndex(where condition: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return low
  }
}
