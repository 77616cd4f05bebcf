import FileIO
import HDF5Format
import SystemPackage
import TensorCore

/// Compresses the chunks of a stream's blocks, and sends them to the child that builds the file in the order
/// of their places: the same inputs give the same bytes at any number of threads.
final class HDF5RebuildSink: BuildingSink {
  /// Something to be sent for a dataset.
  private struct Piece {
    enum Kind {
      case chunk(number: Int, filterMask: UInt32)
      case data(offset: Int)
    }

    let kind: Kind
    let dataset: Int
    let buffer: ByteBuffer
    let range: Range<Int>
  }

  private let rebuild: HDF5Rebuild
  private let placements: [OutputLayout.Placement]
  private let sizes: [Int]
  private let builder: HDF5Builder
  private let numbers: [Int]
  private let order = BlockOrder()
  private let codecs = ChunkCodecPool()

  /// - Parameter numbers: the builder's numbers of the datasets that are fed.
  init(_ writer: HDF5RebuildWriter, builder: HDF5Builder, numbers: [Int]) {
    self.rebuild = writer.rebuild
    placements = writer.placements
    self.builder = builder
    self.numbers = numbers
    let rebuild = writer.rebuild
    sizes = rebuild.fed.map { item in
      let info = rebuild.weights.tensors[item.tensor].info
      guard let grid = item.chunks?.grid else { return info.byteCount }
      return grid.chunkCount * grid.chunkElementCount * info.dtype.elementUnit
    }
  }

  func take(_ range: Range<Int>, of buffer: ByteBuffer, file: Int, offset: Int) throws {
    var pieces: [Piece] = []
    do {
      var index = max(0, placements.partitioningIndex { $0.offset > offset } - 1)
      while index < placements.count, placements[index].offset < offset + range.count {
        let start = placements[index].offset
        let part = max(start, offset)..<min(start + sizes[index], offset + range.count)
        if !part.isEmpty {
          let place = range.lowerBound + part.lowerBound - offset
          try append(
            place..<place + part.count, of: buffer, at: part.lowerBound - start, dataset: index,
            to: &pieces)
        }
        index += 1
      }
    } catch let error as HDF5Error {
      throw error.whileWriting(rebuild.path, from: rebuild.source?.path)
    }
    guard order.waitForTurn(of: offset) else { throw StreamError.stopped }
    for piece in pieces where !send(piece) {
      // The child has ended, and this tells why.
      try finish()
      throw StreamError.stopped
    }
    order.pass(to: offset + range.count)
  }

  func stop() { order.stop() }

  func finish() throws {
    do {
      try builder.finish()
    } catch {
      throw error.whileWriting(rebuild.path, from: rebuild.source?.path)
    }
  }

  func abandon() { builder.abandon() }

  private func send(_ piece: Piece) -> Bool {
    switch piece.kind {
    case .chunk(let number, let filterMask):
      builder.writeChunk(
        number, of: piece.dataset, filterMask: filterMask, piece.buffer, piece.range)
    case .data(let offset):
      builder.writeData(of: piece.dataset, at: offset, piece.buffer, piece.range)
    }
  }

  /// Makes pieces of a dataset's bytes.
  private func append(
    _ range: Range<Int>, of buffer: ByteBuffer, at offset: Int, dataset: Int,
    to pieces: inout [Piece]
  ) throws {
    let item = rebuild.fed[dataset]
    guard let layout = item.floats else {
      let width = rebuild.weights.tensors[item.tensor].info.dtype.elementUnit
      return try append(
        range, of: buffer, at: offset, dataset: dataset, elementSize: width, to: &pieces)
    }
    let bytes = layout.encoded(buffer.bytes(in: range))
    let stored = ByteBuffer(count: bytes.count)
    stored.copy(from: bytes, range: 0..<bytes.count, to: 0)
    try append(
      0..<bytes.count, of: stored, at: offset / 8 * layout.size, dataset: dataset,
      elementSize: layout.size, to: &pieces)
  }

  /// Makes pieces of bytes as they are stored but for filters.
  private func append(
    _ range: Range<Int>, of buffer: ByteBuffer, at offset: Int, dataset: Int, elementSize: Int,
    to pieces: inout [Piece]
  ) throws {
    guard let plan = rebuild.fed[dataset].chunks else {
      pieces.append(
        Piece(kind: .data(offset: offset), dataset: numbers[dataset], buffer: buffer, range: range))
      return
    }
    let tensor = rebuild.weights.tensors[rebuild.fed[dataset].tensor]
    let size = plan.grid.chunkElementCount * elementSize
    let room = plan.pipeline.maximumStoredByteCount(of: size)
    let isFiltered = !plan.pipeline.isEmpty
    let stored = ByteBuffer(count: isFiltered ? range.count / size * room : 0)
    var end = 0
    for start in stride(from: 0, to: range.count, by: size) {
      let number = (offset + start) / size
      let chunk = range.lowerBound + start..<range.lowerBound + start + size
      if isNeverWritten(number, chunk, of: buffer, tensor, plan) { continue }
      guard isFiltered, plan.filtersPartialChunks || !plan.grid.isPartial(number) else {
        pieces.append(
          Piece(
            kind: .chunk(number: number, filterMask: 0), dataset: numbers[dataset], buffer: buffer,
            range: chunk))
        continue
      }
      let encoded = try codecs.withCodec { codec throws(HDF5Error) in
        try codec.encode(chunk, of: buffer, pipeline: plan.pipeline, into: stored, at: end)
      }
      pieces.append(
        Piece(
          kind: .chunk(number: number, filterMask: encoded.filterMask), dataset: numbers[dataset],
          buffer: stored, range: end..<end + encoded.byteCount))
      end += encoded.byteCount
    }
  }

  /// Whether no input has storage for a chunk, and the result is what a chunk without storage reads as.
  private func isNeverWritten(
    _ number: Int, _ chunk: Range<Int>, of buffer: ByteBuffer, _ tensor: Tensor,
    _ plan: HDF5Rebuild.ChunkPlan
  ) -> Bool {
    guard tensor.isAbsent(chunk: number, of: plan.grid) else { return false }
    let expected = ByteBuffer(count: chunk.count)
    expected.fill(0..<chunk.count, with: plan.fillElement)
    if plan.grid.isPartial(number), !plan.fillElement.allSatisfy({ $0 == 0 }) { return false }
    return expected.bytes(in: 0..<chunk.count) == buffer.bytes(in: chunk)
  }
}

extension Tensor {
  /// Whether no input has storage for a chunk.
  fileprivate func isAbsent(chunk: Int, of grid: ChunkGrid) -> Bool {
    switch storage {
    case .bytes(let source as ChunkedValues, offset: 0):
      source.grid == grid && source.isAbsent(chunk)
    case .bytes(let source, _): (source as? RepeatedBytes)?.isZero ?? false
    case .computed(_, let inputs): inputs.allSatisfy { $0.isAbsent(chunk: chunk, of: grid) }
    }
  }
}

extension ChunkPipeline {
  /// Shuffle and deflate.
  static func compressing(level: Int, elementSize: Int) -> ChunkPipeline {
    let shuffle = elementSize > 1 ? [Step(.shuffle(width: elementSize))] : []
    return ChunkPipeline(shuffle + [Step(.deflate(level: level))])
  }

  /// The same filters for elements of another size.
  func retyped(elementSize: Int) -> ChunkPipeline {
    ChunkPipeline(
      steps.map { step in
        guard case .shuffle = step.filter else { return step }
        return Step(.shuffle(width: elementSize), isOptional: step.isOptional)
      })
  }
}
