public import TensorCore

/// How an array is cut into chunks of one shape, of which the last ones along an axis reach over its end.
///
/// Chunks are counted in C order. (HDF5 File Format Specification 3.0, section III.C.)
public struct ChunkGrid: Sendable, Hashable {
  /// The extents of the array.
  public let shape: Shape
  /// The extents of a chunk, none of them zero.
  public let chunkShape: Shape
  /// How many chunks there are along each axis.
  public let counts: [Int]
  /// How many chunks there are.
  public let chunkCount: Int

  /// Cuts an array.
  ///
  /// - Throws: `HDF5Error` when the shapes do not go together or there are too many chunks.
  public init(shape: Shape, chunkShape: Shape) throws(HDF5Error) {
    guard shape.rank == chunkShape.rank, shape.rank > 0, !chunkShape.dimensions.contains(0) else {
      throw .message("chunks of \(chunkShape) in an array of \(shape)")
    }
    self.shape = shape
    self.chunkShape = chunkShape
    counts = zip(shape.dimensions, chunkShape.dimensions).map { extent, chunk in
      extent / chunk + (extent % chunk == 0 ? 0 : 1)
    }
    guard let grid = try? Shape(counts), (try? Shape(chunkShape.dimensions)) != nil else {
      throw .message("too many chunks")
    }
    chunkCount = grid.elementCount
  }

  /// The number of elements of a chunk.
  public var chunkElementCount: Int { chunkShape.elementCount }

  /// A row of a chunk: elements that follow each other in the array as well as in the chunk.
  public struct Row: Sendable, Hashable {
    /// The first element, counted in the array.
    public let element: Int
    /// The first element, counted in the chunk.
    public let position: Int
    /// How many elements.
    public let count: Int
  }

  /// The place of a chunk's first element along each axis.
  public func origin(ofChunk chunk: Int) -> [Int] {
    var rest = chunk
    var origin = [Int](repeating: 0, count: counts.count)
    for axis in counts.indices.reversed() {
      origin[axis] = rest % counts[axis] * chunkShape[axis]
      rest /= counts[axis]
    }
    return origin
  }

  /// Whether a chunk reaches over the end of the array.
  public func isPartial(_ chunk: Int) -> Bool {
    let origin = origin(ofChunk: chunk)
    return origin.indices.contains { origin[$0] + chunkShape[$0] > shape[$0] }
  }

  /// Calls `body` with the rows of a chunk that lie in the array, in their order.
  ///
  /// Rows that follow each other in both are one.
  public func forEachRow<Failure: Error>(
    ofChunk chunk: Int, _ body: (Row) throws(Failure) -> Void
  ) throws(Failure) {
    let rank = counts.count
    let origin = origin(ofChunk: chunk)
    let extents = origin.indices.map { min(chunkShape[$0], shape[$0] - origin[$0]) }
    // Inner axes that the chunk takes wholly join the rows of the axis outside of them.
    var inner = rank - 1
    while inner > 0, chunkShape[inner] == shape[inner] { inner -= 1 }
    let shapeStrides = ChunkGrid.strides(of: shape)
    let chunkStrides = ChunkGrid.strides(of: chunkShape)
    let count = extents[inner] * shapeStrides[inner]
    var index = [Int](repeating: 0, count: inner)
    while true {
      var element = origin[inner] * shapeStrides[inner]
      var position = 0
      for axis in 0..<inner {
        element += (origin[axis] + index[axis]) * shapeStrides[axis]
        position += index[axis] * chunkStrides[axis]
      }
      try body(Row(element: element, position: position, count: count))
      var axis = inner - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < extents[axis] { break }
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

  /// The element of the array at a place in chunk order; nil when it lies over the end of the array.
  public func element(atChunkOrder place: Int) -> Int? {
    let origin = origin(ofChunk: place / chunkElementCount)
    var rest = place % chunkElementCount
    var (element, stride) = (0, 1)
    for axis in counts.indices.reversed() {
      let index = origin[axis] + rest % chunkShape[axis]
      guard index < shape[axis] else { return nil }
      rest /= chunkShape[axis]
      element += index * stride
      stride *= shape[axis]
    }
    return element
  }

  /// The chunk of an element, its place in the chunk, and how many elements of its row follow in the chunk,
  /// itself included.
  func place(ofElement element: Int) -> (chunk: Int, position: Int, run: Int) {
    var rest = element
    var (chunk, chunkStride) = (0, 1)
    var (position, stride) = (0, 1)
    var run = 1
    for axis in counts.indices.reversed() {
      let index = rest % shape[axis]
      rest /= shape[axis]
      let inChunk = index % chunkShape[axis]
      if axis == counts.count - 1 {
        run = min(chunkShape[axis] - inChunk, shape[axis] - index)
      }
      chunk += index / chunkShape[axis] * chunkStride
      chunkStride *= counts[axis]
      position += inChunk * stride
      stride *= chunkShape[axis]
    }
    return (chunk, position, run)
  }

  /// Chunks that hold elements of a range, which is not empty: all of them, and maybe some more.
  func chunks(ofElements elements: Range<Int>) -> Range<Int> {
    var (first, last) = (elements.lowerBound, elements.upperBound - 1)
    var (chunk, inner) = (0, shape.elementCount)
    for axis in counts.indices {
      inner /= shape[axis]
      let (low, high) = (first / inner, last / inner)
      chunk = chunk * counts[axis] + low / chunkShape[axis]
      guard low == high else {
        // Along this axis from one to the other; along those behind it any.
        let others = counts[(axis + 1)...].reduce(1, *)
        let count = high / chunkShape[axis] - low / chunkShape[axis] + 1
        return chunk * others..<(chunk + count) * others
      }
      (first, last) = (first % inner, last % inner)
    }
    return chunk..<chunk + 1
  }

  /// How many elements lie between neighbours along each axis.
  private static func strides(of shape: Shape) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.rank)
    for axis in (0..<shape.rank).reversed().dropFirst() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }
}
