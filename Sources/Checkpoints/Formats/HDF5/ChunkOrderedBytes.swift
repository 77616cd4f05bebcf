import HDF5Format
import TensorCore

/// The values of a tensor chunk after chunk, in the chunks of an output.
///
/// What a chunk has over the end of the array is zero. Where the tensor is stored in the same chunks, a chunk
/// is read as it is.
final class ChunkOrderedBytes: ByteSource {
  private let tensor: Tensor
  private let grid: ChunkGrid
  /// The tensor's storage, when its chunks are those of the grid.
  private let stored: ChunkedValues?

  var label: String { source?.label ?? "tensor '\(tensor.info.name)'" }

  init(_ tensor: Tensor, _ grid: ChunkGrid) {
    self.tensor = tensor
    self.grid = grid
    if case .bytes(let source as ChunkedValues, offset: 0) = tensor.storage, source.grid == grid {
      stored = source
    } else {
      stored = nil
    }
  }

  private var source: (any ByteSource)? {
    if case .bytes(let source, _) = tensor.storage { source } else { nil }
  }

  /// Reads whole chunks.
  func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    let width = tensor.info.dtype.elementUnit
    let chunkSize = grid.chunkElementCount * width
    precondition(offset % chunkSize == 0 && count % chunkSize == 0, "chunks are read whole")
    for start in stride(from: 0, to: count, by: chunkSize) {
      let number = (offset + start) / chunkSize
      if let stored {
        try stored.readChunk(number, into: buffer, at: position + start)
      } else {
        try gather(number, into: buffer, position + start..<position + start + chunkSize, width)
      }
    }
  }

  func checkUnchanged() throws { try source?.checkUnchanged() }

  private func gather(
    _ number: Int, into buffer: ByteBuffer, _ range: Range<Int>, _ width: Int
  ) throws {
    if grid.isPartial(number) { buffer.fill(range, with: [0]) }
    try grid.forEachRow(ofChunk: number) { row in
      try tensor.read(
        bytes: row.element * width..<(row.element + row.count) * width, into: buffer,
        at: range.lowerBound + row.position * width)
    }
  }
}

extension Tensor {
  /// The same tensor with its values chunk after chunk.
  func ordered(by grid: ChunkGrid) throws -> Tensor {
    let count = grid.chunkCount * grid.chunkElementCount
    let info = try TensorInfo(
      name: info.name, dtype: self.info.dtype, shape: Shape([count]))
    guard case .computed(let operation, let inputs) = storage else {
      return Tensor(info, storage: .bytes(ChunkOrderedBytes(self, grid), offset: 0))
    }
    return Tensor(info, storage: .computed(operation, try inputs.map { try $0.ordered(by: grid) }))
  }
}
