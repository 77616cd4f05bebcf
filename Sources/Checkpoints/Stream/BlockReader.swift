import TensorCore

/// Elements that a block needs from consecutive extents, one for each input.
protocol InputSegment {
  /// The extent of the first input.
  var firstExtent: Int { get }
  var inputCount: Int { get }
  /// The first element, counted from the start of each extent.
  var firstElement: Int { get }
  var elementCount: Int { get }
}

/// Reads the inputs of a block into a buffer.
struct BlockReader {
  private let maximumInputCount: Int
  private var parts: [SourcePart] = []
  /// Where the elements of each input of each segment stand in the buffer.
  private var positions: [Int] = []

  init(maximumInputCount: Int) { self.maximumInputCount = maximumInputCount }

  /// Where the elements of an input of a segment stand in the buffer.
  func position(ofInput input: Int, of segment: Int) -> Int {
    positions[segment * maximumInputCount + input]
  }

  /// Reads what the segments need, in their order: the elements of each input of segments that follow
  /// each other are then one operand, wherever they stand in the sources.
  ///
  /// What lies together in a source is read by one call.
  mutating func read(
    _ segments: [some InputSegment], of inputs: StreamInputs, into buffer: ByteBuffer,
    at start: Int
  ) throws {
    positions.removeAll(keepingCapacity: true)
    positions.append(contentsOf: repeatElement(0, count: segments.count * maximumInputCount))
    var position = start
    for input in 0..<maximumInputCount {
      position = (position + 63) & ~63
      var source = -1
      for number in segments.indices where input < segments[number].inputCount {
        let segment = segments[number]
        let extent = inputs.extents[segment.firstExtent + input]
        let unit = extent.dtype.elementUnit
        let part = SourcePart(
          offset: extent.offset + segment.firstElement * unit,
          count: segment.elementCount * unit, position: position)
        if extent.source != source {
          try readParts(from: source, of: inputs, into: buffer)
          source = extent.source
        }
        positions[number * maximumInputCount + input] = position
        position += part.count
        if let last = parts.last, last.offset + last.count == part.offset {
          parts[parts.count - 1].count += part.count
        } else {
          parts.append(part)
        }
      }
      try readParts(from: source, of: inputs, into: buffer)
    }
  }

  private mutating func readParts(
    from source: Int, of inputs: StreamInputs, into buffer: ByteBuffer
  ) throws {
    if parts.isEmpty { return }
    try inputs.sources[source].read(parts, into: buffer)
    parts.removeAll(keepingCapacity: true)
  }
}
