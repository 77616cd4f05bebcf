import Synchronization
package import TensorCore

/// What becomes of the values of several inputs when they are reduced to a few numbers: distances, norms.
package protocol BlockReduction: Sendable {
  associatedtype Worker: ReductionWorker

  /// Makes one thread's part.
  func makeWorker() -> Worker

  /// Takes what elements of a row came to.
  ///
  /// Called in the order of the rows and of their elements, whatever the number of threads.
  mutating func add(_ partial: Worker.Partial, ofRow row: Int)
}

/// One thread's part of a reduction.
package protocol ReductionWorker: AnyObject {
  associatedtype Partial: Sendable

  /// Reduces elements of the inputs, which `operands` tells; it has no output.
  ///
  /// - Parameter firstElement: the place of the first one in its tensor, a multiple of
  ///   `BlockReductions.unit`.
  /// - Returns: what they came to, and whether that is finite.
  func reduce(_ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer)
    -> (partial: Partial, isFinite: Bool)
}

/// Reads the tensors of several inputs once, block by block, and reduces them.
package struct BlockReductions {
  /// Where tensors are cut: at multiples of so many elements.
  package static let unit = 4096

  /// A value that is not finite.
  package struct NonFinitePlace: Sendable {
    /// The row and the input that it is in.
    package let row, input: Int
    /// NaN or infinity, and its place: `model.safetensors: tensor 'a': NaN at [3]`.
    package let description: String
  }

  private let program: ReductionProgram
  private let options: StreamOptions

  /// Prepares to read tensors.
  ///
  /// - Parameter rows: the same tensor of each input, of the same shape; their dtypes may differ, and have
  ///   elements of whole bytes.
  package init(_ rows: [[Tensor]], inputCount: Int, options: StreamOptions) {
    program = ReductionProgram(rows, inputCount: inputCount)
    self.options = options
  }

  /// Reduces all blocks.
  ///
  /// - Returns: the finished reduction and, when they are allowed, the first value of each input that is
  ///   not finite.
  /// - Throws: `StreamError` for NaN and infinity, unless they are allowed, and what reading throws; the
  ///   error of the first block that has one.
  package func run<Reduction: BlockReduction>(_ reduction: Reduction) throws -> (
    reduction: Reduction, nonFinite: [NonFinitePlace]
  ) {
    let ordered = OrderedReduction(reduction)
    let loop = BlockLoop(
      blockCount: program.blockCount, byteCount: program.byteCount, options: options)
    try loop.run { [program, options] takeBlocks in
      let reader = ReductionBlockWorker(program, options, reduction.makeWorker())
      takeBlocks { block in
        let found = try reader.process(block)
        ordered.add(found, ofBlock: block)
        return found.byteCount
      }
    }
    for source in program.inputs.sources { try source.checkUnchanged() }
    return ordered.finished
  }
}

/// What a block came to.
private struct BlockPartials<Partial: Sendable>: Sendable {
  var partials: [(row: Int, partial: Partial)] = []
  var nonFinite: [BlockReductions.NonFinitePlace] = []
  var byteCount = 0
}

/// One thread's buffer: reads blocks and has them reduced.
private final class ReductionBlockWorker<Worker: ReductionWorker> {
  private let program: ReductionProgram
  private let options: StreamOptions
  private let worker: Worker
  private let buffer: ByteBuffer
  private var reader: BlockReader
  private var segments: [ReductionProgram.Segment] = []
  private var operands = BlockOperands()

  init(_ program: ReductionProgram, _ options: StreamOptions, _ worker: Worker) {
    self.program = program
    self.options = options
    self.worker = worker
    buffer = ByteBuffer(count: program.bufferSize)
    reader = BlockReader(maximumInputCount: program.inputCount)
  }

  func process(_ block: Int) throws -> BlockPartials<Worker.Partial> {
    program.collectSegments(of: block, into: &segments)
    try reader.read(segments, of: program.inputs, into: buffer, at: 0)
    var found = BlockPartials<Worker.Partial>()
    found.partials.reserveCapacity(segments.count)
    for number in segments.indices {
      let segment = segments[number]
      setOperands(segment, number)
      let result = worker.reduce(operands, firstElement: segment.firstElement, in: buffer)
      if !result.isFinite { try noteNonFinite(segment, in: &found) }
      found.partials.append((segment.row, result.partial))
      for dtype in operands.inputDTypes {
        found.byteCount += segment.elementCount * dtype.elementUnit
      }
    }
    return found
  }

  private func setOperands(_ segment: ReductionProgram.Segment, _ number: Int) {
    operands.inputOffsets.removeAll(keepingCapacity: true)
    operands.elementCount = segment.elementCount
    var areDTypesKnown = operands.inputDTypes.count == program.inputCount
    for input in 0..<program.inputCount {
      operands.inputOffsets.append(reader.position(ofInput: input, of: number))
      let dtype = program.inputs.extents[segment.firstExtent + input].dtype
      areDTypesKnown = areDTypesKnown && operands.inputDTypes[input] == dtype
    }
    if areDTypesKnown { return }
    operands.inputDTypes = (0..<program.inputCount).map {
      program.inputs.extents[segment.firstExtent + $0].dtype
    }
  }

  /// Names the first value of each input that is not finite; throws when it is not allowed.
  ///
  /// Of values that are all finite, what they come to may be too large: that is for the reduction to judge.
  private func noteNonFinite(
    _ segment: ReductionProgram.Segment, in found: inout BlockPartials<Worker.Partial>
  ) throws {
    var first: (element: Int, error: StreamError)?
    for input in 0..<program.inputCount {
      let dtype = operands.inputDTypes[input]
      let offset = operands.inputOffsets[input]
      guard
        let element = Kernels.firstNonFinite(
          in: buffer, at: offset, dtype: dtype, elementCount: segment.elementCount)
      else { continue }
      let isNaN = Kernels.isNaN(in: buffer, at: offset + element * dtype.elementUnit, dtype: dtype)
      let source = program.inputs.sources[
        program.inputs.extents[segment.firstExtent + input].source]
      let error = StreamError.nonFinite(
        isNaN ? "NaN" : "infinity", in: source.label, program.rows[segment.row][input].info,
        at: segment.firstElement + element)
      if first == nil || element < first?.element ?? 0 { first = (element, error) }
      found.nonFinite.append(
        BlockReductions.NonFinitePlace(
          row: segment.row, input: input, description: error.description))
    }
    if options.nonFinite == .refuse, let error = first?.error { throw error }
  }
}

/// Adds what blocks came to in the order of the blocks: a block that is done early waits for those before.
private final class OrderedReduction<Reduction: BlockReduction>: Sendable {
  private struct State {
    var reduction: Reduction
    var next = 0
    var waiting: [Int: BlockPartials<Reduction.Worker.Partial>] = [:]
    var nonFinite: [BlockReductions.NonFinitePlace] = []
  }

  private let state: Mutex<State>

  init(_ reduction: Reduction) { state = Mutex(State(reduction: reduction)) }

  func add(_ found: BlockPartials<Reduction.Worker.Partial>, ofBlock block: Int) {
    state.withLock { state in
      state.waiting[block] = found
      while let found = state.waiting.removeValue(forKey: state.next) {
        state.next += 1
        for (row, partial) in found.partials { state.reduction.add(partial, ofRow: row) }
        for place in found.nonFinite
        where !state.nonFinite.contains(where: { $0.input == place.input }) {
          state.nonFinite.append(place)
        }
      }
    }
  }

  var finished: (reduction: Reduction, nonFinite: [BlockReductions.NonFinitePlace]) {
    state.withLock { ($0.reduction, $0.nonFinite) }
  }
}
