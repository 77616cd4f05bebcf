/// The filters that the chunks of a dataset went through, in the order of writing.
public struct ChunkPipeline: Sendable, Hashable {
  /// A filter and what happens when it fails.
  public struct Step: Sendable, Hashable {
    /// The filter.
    public let filter: ChunkFilter
    /// Whether a chunk on which it fails is stored without it.
    public let isOptional: Bool

    /// A filter in a pipeline.
    public init(_ filter: ChunkFilter, isOptional: Bool = true) {
      self.filter = filter
      self.isOptional = isOptional
    }
  }

  /// libhdf5's limit: the mask of a chunk has so many bits.
  static let maximumStepCount = 32

  /// The filters.
  public let steps: [Step]

  /// Whether chunks are stored as they are.
  public var isEmpty: Bool { steps.isEmpty }

  /// Makes a pipeline of at most 32 filters.
  public init(_ steps: [Step]) {
    precondition(steps.count <= ChunkPipeline.maximumStepCount)
    self.steps = steps
  }

  /// Understands the descriptions in a file.
  ///
  /// - Throws: `HDF5Error` that names the first filter that is not supported or makes no sense.
  public init(_ descriptions: [ChunkFilter.Description]) throws(HDF5Error) {
    guard descriptions.count <= ChunkPipeline.maximumStepCount else {
      throw HDF5Error(.damaged, "damaged HDF5 file: \(descriptions.count) filters of one dataset")
    }
    var steps: [Step] = []
    for description in descriptions {
      steps.append(Step(try ChunkFilter(description), isOptional: description.flags & 1 != 0))
    }
    self.steps = steps
  }

  /// The most bytes that a chunk of `chunkByteCount` bytes can take in a file: the room that `ChunkCodec.encode`
  /// needs.
  public func maximumStoredByteCount(of chunkByteCount: Int) -> Int {
    steps.reduce(chunkByteCount) { max($0, $1.filter.maximumByteCount(of: $0)) }
  }

  /// A filter that a chunk went through.
  struct Applied {
    let filter: ChunkFilter
    /// The number of bytes that went into it, or the most that can have.
    let inputByteCount: Int
    /// Whether exactly so many went in.
    let isExact: Bool
  }

  /// The filters that a stored chunk went through, in the order of writing.
  ///
  /// - Parameter filterMask: a set bit means that the filter of this index was left out.
  func applied(filterMask: UInt32, chunkByteCount: Int) -> [Applied] {
    var byteCount = chunkByteCount
    var isExact = true
    var applied: [Applied] = []
    for (index, step) in steps.enumerated() where filterMask & (1 << UInt32(index)) == 0 {
      applied.append(Applied(filter: step.filter, inputByteCount: byteCount, isExact: isExact))
      byteCount = step.filter.maximumByteCount(of: byteCount)
      isExact = isExact && step.filter.keepsSize
    }
    return applied
  }
}
