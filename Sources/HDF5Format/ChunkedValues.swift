public import TensorCore

/// The values of a chunked dataset: chunks are read and their filters undone when they are asked for.
///
/// Chunks without storage have the fill value. Values come out little-endian.
public final class ChunkedValues: ByteSource {
  /// How the values are cut.
  public let grid: ChunkGrid
  /// What to call it in messages: the name of the file.
  public var label: String { file.label }

  private let file: any ByteSource
  private let path: String
  private let chunks: [HDF5Catalogue.Chunk]
  private let pipeline: ChunkPipeline
  private let filtersPartialChunks: Bool
  private let elementSize: Int
  private let reversedWidth: Int?
  private let object: Int
  private let decoder: ChunkDecoder

  /// Reads a dataset of a file.
  ///
  /// - Parameters:
  ///   - elementSize: the bytes of a stored number.
  ///   - reversedWidth: the bytes that are in the other order; nil when none are.
  ///   - offset: where the catalogue's addresses start to count in `file`.
  ///   - decoder: what undoes filters, shared by the datasets of a file.
  /// - Throws: `HDF5Error` for sizes that make no sense and filters that are not known.
  public init(
    _ dataset: HDF5Catalogue.Dataset, elementSize: Int, reversedWidth: Int?,
    in file: any ByteSource, offset: Int = 0, decoder: ChunkDecoder
  ) throws(HDF5Error) {
    guard case .chunked(let chunkShape, let chunks) = dataset.storage,
      let dimensions = dataset.dimensions, let shape = try? Shape(dimensions),
      let chunk = try? Shape(chunkShape)
    else { throw .message("dataset '\(dataset.path)' has no chunks") }
    grid = try ChunkGrid(shape: shape, chunkShape: chunk)
    self.file = file
    path = dataset.path
    self.decoder = decoder
    object = dataset.object
    self.elementSize = elementSize
    self.reversedWidth = reversedWidth
    let fill = ByteBuffer(count: elementSize)
    if dataset.fill.count == elementSize {
      fill.copy(from: dataset.fill, range: 0..<elementSize, to: 0)
    }
    if let reversedWidth { fill.reverseElements(in: 0..<elementSize, width: reversedWidth) }
    fillElement = fill.bytes(in: 0..<elementSize)
    pipeline = try ChunkPipeline(of: dataset)
    filtersPartialChunks = dataset.filtersPartialChunks
    let byteCount = try ChunkedValues.byteCount(ofChunk: chunk, of: dataset, elementSize)
    self.chunks = chunks.map {
      HDF5Catalogue.Chunk(
        number: $0.number, address: $0.address + offset, storedSize: $0.storedSize,
        filterMask: $0.filterMask)
    }
    if pipeline.isEmpty, let odd = chunks.first(where: { $0.storedSize != byteCount }) {
      throw HDF5Error(
        .damaged,
        "damaged HDF5 file: dataset '\(dataset.path)': chunk \(odd.number) has \(odd.storedSize) "
          + "bytes instead of \(byteCount)")
    }
  }

  /// The largest chunk that is held in memory.
  private static let maximumByteCount = 1 << 30
  /// Deflate makes a byte of at most 1032; a header and a checksum come on top.
  private static let maximumRatio = 1032

  private static func byteCount(
    ofChunk chunk: Shape, of dataset: HDF5Catalogue.Dataset, _ elementSize: Int
  ) throws(HDF5Error) -> Int {
    let (byteCount, overflow) = chunk.elementCount.multipliedReportingOverflow(by: elementSize)
    guard !overflow, byteCount <= maximumByteCount else {
      throw HDF5Error(
        .refused, "dataset '\(dataset.path)' has chunks of \(chunk), more than 1 GiB each",
        hint: "h5repack -l '\(dataset.path)':CHUNK=… writes smaller ones")
    }
    guard case .chunked(_, let chunks) = dataset.storage else { return byteCount }
    if let bomb = chunks.first(where: { ($0.storedSize + 64) * maximumRatio < byteCount }) {
      throw HDF5Error(
        .damaged,
        "damaged HDF5 file: dataset '\(dataset.path)': chunk \(bomb.number) cannot hold \(byteCount) "
          + "bytes in \(bomb.storedSize)")
    }
    return byteCount
  }

  /// The number of bytes of a chunk without filters.
  public var chunkByteCount: Int { grid.chunkElementCount * elementSize }

  /// Checks the file.
  public func checkUnchanged() throws { try file.checkUnchanged() }

  /// Whether a chunk has no storage.
  public func isAbsent(_ number: Int) -> Bool { chunk(number) == nil }

  /// The bytes of one element that was never written, little-endian.
  public let fillElement: [UInt8]

  /// Puts a chunk at `position` of a buffer; what of it lies over the end of the array is zero.
  ///
  /// - Throws: `HDF5Error` when the chunk is damaged, and what reading the file throws.
  public func readChunk(_ number: Int, into buffer: ByteBuffer, at position: Int) throws {
    let range = position..<position + chunkByteCount
    if let chunk = chunk(number) {
      try decode(chunk, into: buffer, range)
      if let reversedWidth { buffer.reverseElements(in: range, width: reversedWidth) }
    } else {
      buffer.fill(range, with: fillElement)
    }
    if grid.isPartial(number) { clearPadding(of: number, in: buffer, range) }
  }

  /// Fills `count` bytes of `buffer` from `position` on with the values from byte `offset` of the array on.
  ///
  /// Reads must start and end between elements. The chunks that were needed last are kept.
  ///
  /// - Throws: `HDF5Error` when a chunk is damaged, and what reading the file throws.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    var element = offset / elementSize
    let end = element + count / elementSize
    if element < end, areAbsent(grid.chunks(ofElements: element..<end)) {
      return buffer.fill(position..<position + count, with: fillElement)
    }
    var target = position
    var current: (number: Int, bytes: [UInt8])?
    while element < end {
      let place = grid.place(ofElement: element)
      let run = min(place.run, end - element)
      defer {
        element += run
        target += run * elementSize
      }
      if isAbsent(place.chunk) {
        buffer.fill(target..<target + run * elementSize, with: fillElement)
        continue
      }
      if current?.number != place.chunk {
        current = (place.chunk, try chunkBytes(place.chunk))
      }
      if let current {
        let start = place.position * elementSize
        buffer.copy(from: current.bytes, range: start..<start + run * elementSize, to: target)
      }
    }
  }

  private func chunkBytes(_ number: Int) throws -> [UInt8] {
    if let bytes = decoder.recentChunk(number, of: object) { return bytes }
    let buffer = ByteBuffer(count: chunkByteCount)
    try readChunk(number, into: buffer, at: 0)
    let bytes = buffer.bytes(in: 0..<chunkByteCount)
    decoder.keep(bytes, asChunk: number, of: object)
    return bytes
  }

  private func chunk(_ number: Int) -> HDF5Catalogue.Chunk? {
    // Most datasets have all their chunks.
    if number < chunks.count, chunks[number].number == number { return chunks[number] }
    let place = place(of: number)
    return place < chunks.count && chunks[place].number == number ? chunks[place] : nil
  }

  /// Where in the list a chunk is, or those behind it begin.
  private func place(of number: Int) -> Int {
    var (low, high) = (0, chunks.count)
    while low < high {
      let middle = (low + high) / 2
      if chunks[middle].number < number { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Whether none of some chunks has storage: large arrays that hardly anybody wrote to are read in an instant.
  private func areAbsent(_ numbers: Range<Int>) -> Bool {
    let place = place(of: numbers.lowerBound)
    return place == chunks.count || chunks[place].number >= numbers.upperBound
  }

  private func decode(
    _ chunk: HDF5Catalogue.Chunk, into buffer: ByteBuffer, _ range: Range<Int>
  ) throws {
    if pipeline.isEmpty {
      return try file.read(
        at: chunk.address, count: range.count, into: buffer, at: range.lowerBound)
    }
    let isFiltered = filtersPartialChunks || !grid.isPartial(chunk.number)
    let filterMask = isFiltered ? chunk.filterMask : UInt32.max
    let stored = ByteBuffer(count: chunk.storedSize)
    try file.read(at: chunk.address, count: chunk.storedSize, into: stored, at: 0)
    do {
      try decoder.codecs.withCodec { codec throws(HDF5Error) in
        try codec.decode(
          0..<chunk.storedSize, of: stored, filterMask: filterMask, pipeline: pipeline,
          chunkByteCount: range.count, into: buffer, at: range.lowerBound)
      }
    } catch {
      throw HDF5Error(
        .damaged, "\(file.label): dataset '\(path)': chunk \(chunk.number): \(error.description)",
        hint: error.hint)
    }
  }

  private func clearPadding(of number: Int, in buffer: ByteBuffer, _ range: Range<Int>) {
    var next = 0
    grid.forEachRow(ofChunk: number) { row in
      clear(next..<row.position, in: buffer, range)
      next = row.position + row.count
    }
    clear(next..<grid.chunkElementCount, in: buffer, range)
  }

  private func clear(_ elements: Range<Int>, in buffer: ByteBuffer, _ range: Range<Int>) {
    let start = range.lowerBound + elements.lowerBound * elementSize
    buffer.fill(start..<start + elements.count * elementSize, with: [0])
  }
}

extension ChunkPipeline {
  /// The filters of a dataset.
  ///
  /// - Throws: `HDF5Error` that names the dataset and the filter that is not known.
  public init(of dataset: HDF5Catalogue.Dataset) throws(HDF5Error) {
    do {
      self = try ChunkPipeline(dataset.filters)
    } catch {
      throw HDF5Error(
        error.code, "dataset '\(dataset.path)': \(error.description)", hint: error.hint)
    }
  }
}
