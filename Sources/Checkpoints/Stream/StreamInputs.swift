package import TensorCore

/// Where the inputs of a stream are: the sources, and the places in them.
struct StreamInputs: Sendable {
  /// A place in a source that holds an input.
  struct Extent: Sendable {
    let offset: Int
    private let narrowSource: Int32
    let dtype: DType

    /// Which source.
    var source: Int { Int(narrowSource) }

    init(source: Int, offset: Int, dtype: DType) {
      narrowSource = Int32(source)
      self.offset = offset
      self.dtype = dtype
    }
  }

  private(set) var sources: [any ByteSource] = []
  private(set) var extents: [Extent] = []

  private var sourceIndexes: [ObjectIdentifier: Int] = [:]

  /// Adds the place of an input; the first sources are most often those of the inputs in their order.
  mutating func append(_ tensor: Tensor, expectedSource: Int) {
    let source: any ByteSource
    let offset: Int
    switch tensor.storage {
    case .bytes(let bytes, let start):
      source = bytes
      offset = start
    case .computed:
      source = ComputedBytes(tensor)
      offset = 0
    }
    let identifier = ObjectIdentifier(source)
    let index: Int
    if expectedSource < sources.count, ObjectIdentifier(sources[expectedSource]) == identifier {
      index = expectedSource
    } else if let known = sourceIndexes[identifier] {
      index = known
    } else {
      index = sources.count
      sources.append(source)
      sourceIndexes[identifier] = index
    }
    extents.append(Extent(source: index, offset: offset, dtype: tensor.info.dtype))
  }

  /// Whether an input stands behind `elementCount` elements of an extent.
  func isContinuation(_ input: Tensor, of extent: Int, behind elementCount: Int) -> Bool {
    guard case .bytes(let source, let offset) = input.storage else { return false }
    let extent = extents[extent]
    return source === sources[extent.source] && input.info.dtype == extent.dtype
      && offset == extent.offset + elementCount * extent.dtype.elementUnit
  }

  /// Forgets what only adding needs.
  mutating func finish() { sourceIndexes = [:] }
}

extension Tensor {
  /// The bytes of the values as a tensor of bytes, whatever they mean.
  package func rawBytes(as dtype: DType = .uint8) throws -> Tensor {
    precondition(dtype.bitWidth == 8)
    let info = try TensorInfo(name: info.name, dtype: dtype, shape: Shape([info.byteCount]))
    switch storage {
    case .bytes: return Tensor(info, storage: storage)
    case .computed: return Tensor(info, storage: .bytes(ComputedBytes(self), offset: 0))
    }
  }
}

/// A tensor that is computed when it is read, as a source for another computation.
private final class ComputedBytes: ByteSource {
  private let tensor: Tensor

  init(_ tensor: Tensor) { self.tensor = tensor }

  var label: String { "tensor '\(tensor.info.name)'" }

  func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    try tensor.read(bytes: offset..<offset + count, into: buffer, at: position)
  }
}
