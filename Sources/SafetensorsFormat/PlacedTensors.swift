import TensorCore

/// Tensors in the order in which a header describes them.
struct PlacedTensors {
  let source: any ByteSource
  /// Where the data starts in the source.
  let dataOffset: Int
  var tensors: [Tensor] = []
  /// Where the data ends when each tensor starts where the one before it ends; nil when not.
  var gaplessEnd: Int? = 0

  init(source: any ByteSource, dataOffset: Int) {
    self.source = source
    self.dataOffset = dataOffset
  }

  /// Adds a tensor of the usual spelling; false when its bytes are not as many as it needs.
  mutating func append(_ usual: UsualEntry, _ json: Span<UInt8>) -> Bool {
    guard let name = try? UTF8Span(validating: json.extracting(usual.name)),
      let tensor = Tensor(
        name: name, dtype: usual.dtype, extents: usual.extents, rank: usual.rank,
        byteCount: usual.data.count, source: source,
        offset: usual.data.lowerBound &+ dataOffset)
    else { return false }
    gaplessEnd = gaplessEnd == usual.data.lowerBound ? usual.data.upperBound : nil
    tensors.append(tensor)
    return true
  }

  /// Adds a tensor whose data starts at `begin`, counted from the start of the data.
  mutating func append(_ info: TensorInfo, at begin: Int) {
    gaplessEnd = gaplessEnd == begin ? begin + info.byteCount : nil
    // An absurd place may wrap around; it is refused when the places are compared.
    tensors.append(Tensor(info, storage: .bytes(source, offset: begin &+ dataOffset)))
  }

  /// Where the data of a tensor starts, counted from the start of the data.
  func begin(of tensor: Tensor) -> Int {
    if case .bytes(_, let offset) = tensor.storage { offset &- dataOffset } else { 0 }
  }
}
