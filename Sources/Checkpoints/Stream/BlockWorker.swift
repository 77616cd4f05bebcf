import HDF5Format
import TensorCore

/// One thread's part of a stream: reads the inputs of a block, computes it, and hands it to the sink.
///
/// Its buffers are made once and fit the processor's cache together.
final class BlockWorker {
  /// The part of a run that lies in the block.
  private struct Segment: InputSegment {
    let run: StreamProgram.Run
    /// The first element, counted in the run.
    let firstElement: Int
    let elementCount: Int
    /// Where its results go in the buffer.
    let position: Int

    var firstExtent: Int { run.firstExtent }
    var inputCount: Int { run.inputCount }
  }

  /// An element may begin before its block and end behind it: by less than the widest element.
  private static let margin = 64

  private let program: StreamProgram
  private let options: StreamOptions
  private let buffer: ByteBuffer
  private let inputStart: Int
  private var segments: [Segment] = []
  private var reader: BlockReader
  private var operands = BlockOperands()
  private var currentDTypes = -1

  /// The tensors found to disagree, by their place in the map.
  private(set) var disagreeing: Set<Int> = []

  init(_ program: StreamProgram, _ options: StreamOptions) {
    self.program = program
    self.options = options
    inputStart = program.blockSize + 2 * BlockWorker.margin
    reader = BlockReader(maximumInputCount: program.maximumInputCount)
    // Each input starts on a cache line and may have a partial element at either end.
    let inputs = Int((Double(program.blockSize + 32) * program.inputRatio).rounded(.up))
    buffer = ByteBuffer(count: inputStart + inputs + program.maximumInputCount * 128)
  }

  /// Computes a block; returns how many bytes of output it has.
  func process(_ block: Int, into sink: some BlockSink) throws -> Int {
    let fileIndex = program.files.partitioningIndex { $0.firstBlock > block } - 1
    let file = program.files[fileIndex]
    let range = program.range(ofBlock: block, in: file)
    let prefix = file.layout.prefix
    if range.lowerBound < prefix.count {
      let part = range.lowerBound..<min(range.upperBound, prefix.count)
      buffer.copy(from: prefix, range: part, to: BlockWorker.margin)
    }
    collectSegments(of: file, in: range)
    try reader.read(segments, of: program.inputs, into: buffer, at: inputStart)
    var next = 0
    while next < segments.count {
      let alike = segmentsAlike(from: next)
      try evaluate(alike, file)
      next = alike.upperBound
    }
    reverseElements()
    try sink.take(
      BlockWorker.margin..<BlockWorker.margin + range.count, of: buffer, file: fileIndex,
      offset: range.lowerBound)
    return range.count
  }

  private func reverseElements() {
    for segment in segments {
      guard let width = segment.run.reversedWidth else { continue }
      let count = segment.elementCount * segment.run.dtype.elementUnit
      buffer.reverseElements(in: segment.position..<segment.position + count, width: width)
    }
  }

  private func collectSegments(of file: StreamProgram.File, in range: Range<Int>) {
    segments.removeAll(keepingCapacity: true)
    var index = file.runs.partitioningIndex { $0.end > range.lowerBound }
    while index < file.runs.count, file.runs[index].offset < range.upperBound {
      let run = file.runs[index]
      let unit = run.dtype.elementUnit
      let first = max(range.lowerBound - run.offset, 0) / unit
      let end = (min(range.upperBound, run.end) - run.offset + unit - 1) / unit
      segments.append(
        Segment(
          run: run, firstElement: first, elementCount: end - first,
          position: BlockWorker.margin + run.offset + first * unit - range.lowerBound))
      index += 1
    }
  }

  /// The segments from `first` on that follow each other in the output and are computed alike.
  private func segmentsAlike(from first: Int) -> Range<Int> {
    let run = segments[first].run
    var end = first + 1
    while end < segments.count {
      let (before, next) = (segments[end - 1], segments[end])
      guard next.run.operation == run.operation, next.run.dtypes == run.dtypes,
        next.run.dtype == run.dtype, next.run.inputCount == run.inputCount,
        next.position == before.position + before.elementCount * run.dtype.elementUnit
      else { break }
      end += 1
    }
    return first..<end
  }

  /// Computes segments that are alike, at once; one by one when that is needed to say what was found.
  private func evaluate(_ alike: Range<Int>, _ file: StreamProgram.File) throws {
    let findings = evaluate(alike)
    let isRefused = findings.hasNonFinite && options.nonFinite != .allow
    if alike.count > 1 && (isRefused || findings.hasDisagreement || findings.hasNegative) {
      for number in alike { try evaluate(number..<number + 1, file) }
      return
    }
    let segment = segments[alike.lowerBound]
    if isRefused && options.nonFinite == .refuse, let error = nonFiniteError(segment, file) {
      throw error
    }
    if isRefused, options.nonFinite == .refuseOverflow, let element = firstOverflow(in: segment) {
      let (tensor, index) = place(of: element, in: segment, file)
      throw StreamError.overflow(tensor.info, at: index)
    }
    if findings.hasNegative {
      throw StreamError.negativeVariance(place(of: 0, in: segment, file).tensor.info)
    }
    if findings.hasNonFinite {
      Kernels.canonicalizeNaN(
        in: buffer, at: segment.position, dtype: segment.run.dtype,
        elementCount: operands.elementCount)
    }
    if findings.hasDisagreement {
      try noteDisagreement(program.operations[segment.run.operation], segment, file)
    }
  }

  private func evaluate(_ alike: Range<Int>) -> BlockFindings {
    let segment = segments[alike.lowerBound]
    operands.inputOffsets.removeAll(keepingCapacity: true)
    if currentDTypes != segment.run.dtypes {
      currentDTypes = segment.run.dtypes
      operands.inputDTypes = program.inputDTypes[segment.run.dtypes]
    }
    for input in 0..<segment.run.inputCount {
      operands.inputOffsets.append(reader.position(ofInput: input, of: alike.lowerBound))
    }
    operands.outputOffset = segment.position
    operands.outputDType = segment.run.dtype
    operands.elementCount = alike.reduce(0) { $0 + segments[$1].elementCount }
    return program.operations[segment.run.operation].evaluate(operands, in: buffer)
  }

  // MARK: - Naming what was found

  /// The error for the first result that is not finite, naming the first input that has such a value there; nil when all
  /// inputs have the same infinity wherever a result is infinite, as masks do.
  private func nonFiniteError(_ segment: Segment, _ file: StreamProgram.File) -> StreamError? {
    guard let element = firstNonFinite(in: segment, where: { !isSameInfinity($0, segment) }) else {
      return nil
    }
    let (tensor, index) = place(of: element, in: segment, file)
    guard let input = operands.inputOffsets.indices.first(where: { !isFinite(element, $0) }) else {
      return .overflow(tensor.info, at: index)
    }
    let source = program.inputs.sources[
      program.inputs.extents[segment.run.firstExtent + input].source]
    let isNaN = isNaN(element, ofInput: input)
    return .nonFinite(isNaN ? "NaN" : "infinity", in: source.label, tensor.info, at: index)
  }

  /// Whether all of several inputs have one infinity at an element, and the result is it, too.
  private func isSameInfinity(_ element: Int, _ segment: Segment) -> Bool {
    let dtype = operands.inputDTypes[0]
    let unit = segment.run.dtype.elementUnit
    guard operands.inputOffsets.count > 1, dtype.kind == .floating,
      operands.inputDTypes.allSatisfy({ $0 == dtype }),
      !Kernels.isNaN(
        in: buffer, at: segment.position + element * unit, dtype: segment.run.dtype)
    else { return false }
    let width = dtype.elementUnit
    let first = operands.inputOffsets[0] + element * width
    return !isFinite(element, 0) && !isNaN(element, ofInput: 0)
      && operands.inputOffsets.allSatisfy { offset in
        buffer.firstDifference(at: first, and: offset + element * width, count: width) == nil
      }
  }

  private func isNaN(_ element: Int, ofInput input: Int) -> Bool {
    let dtype = operands.inputDTypes[input]
    return Kernels.isNaN(
      in: buffer, at: operands.inputOffsets[input] + element * dtype.elementUnit, dtype: dtype)
  }

  private func isFinite(_ element: Int, _ input: Int) -> Bool {
    let dtype = operands.inputDTypes[input]
    return Kernels.firstNonFinite(
      in: buffer, at: operands.inputOffsets[input] + element * dtype.elementUnit, dtype: dtype,
      elementCount: 1) == nil
  }

  /// The first result of a segment that is not finite although all values that it is made of are.
  private func firstOverflow(in segment: Segment) -> Int? {
    firstNonFinite(in: segment) { element in
      operands.inputOffsets.indices.allSatisfy { isFinite(element, $0) }
    }
  }

  /// The first result of a segment that is not finite and fulfils a condition.
  private func firstNonFinite(in segment: Segment, where isMeant: (Int) -> Bool) -> Int? {
    let unit = segment.run.dtype.elementUnit
    var start = 0
    while let next = Kernels.firstNonFinite(
      in: buffer, at: segment.position + start * unit, dtype: segment.run.dtype,
      elementCount: segment.elementCount - start)
    {
      if isMeant(start + next) { return start + next }
      start += next + 1
    }
    return nil
  }

  /// The tensor of an element of a segment, and the element's index in it.
  private func place(of element: Int, in segment: Segment, _ file: StreamProgram.File)
    -> (tensor: Tensor, index: Int)
  {
    let unit = segment.run.dtype.elementUnit
    let offset = segment.run.offset + (segment.firstElement + element) * unit
    guard let placement = program.placement(at: offset, in: file) else {
      preconditionFailure("every element belongs to a tensor")
    }
    let index = (offset - placement.offset) / unit
    return (
      program.weights.tensors[placement.tensor],
      placement.chunks?.element(atChunkOrder: index) ?? index
    )
  }

  private func noteDisagreement(
    _ operation: BlockOperation, _ segment: Segment, _ file: StreamProgram.File
  ) throws {
    let unit = segment.run.dtype.elementUnit
    let offset = segment.run.offset + segment.firstElement * unit
    let end = offset + segment.elementCount * unit
    var index = max(0, file.layout.placements.partitioningIndex { $0.offset > offset } - 1)
    while index < file.layout.placements.count, file.layout.placements[index].offset < end {
      let placement = file.layout.placements[index]
      let info = program.placed[placement.tensor].info
      index += 1
      let part = max(offset, placement.offset)..<min(end, placement.offset + info.byteCount)
      guard !part.isEmpty, let other = firstDisagreeing(in: part, offset) else { continue }
      if case .copyAgreeing(let disagreement) = operation, disagreement != .takeFirst {
        let labels = [0, other].map {
          program.inputs.sources[program.inputs.extents[segment.run.firstExtent + $0].source].label
        }
        throw StreamError.disagreement(
          program.weights.tensors[placement.tensor].info, sources: labels,
          disagreement)
      }
      disagreeing.insert(placement.tensor)
    }
  }

  /// The first input that differs from the first one in `part` of the output of a segment at `offset`.
  private func firstDisagreeing(in part: Range<Int>, _ offset: Int) -> Int? {
    let starts = operands.inputOffsets.map { $0 + part.lowerBound - offset }
    return starts.indices.dropFirst().first { input in
      buffer.firstDifference(at: starts[0], and: starts[input], count: part.count) != nil
    }
  }
}
