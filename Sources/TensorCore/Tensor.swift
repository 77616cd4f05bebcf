/// A named array of numbers whose values are read only when they are asked for.
///
/// A tensor never changes. It is a class because checkpoints have tens of thousands of them, which are
/// passed on from map to plan to stream without copying what they hold.
public final class Tensor: Sendable {
  /// Name, dtype and shape.
  public let info: TensorInfo
  /// Where the values come from.
  public let storage: TensorStorage
  /// What the tensor is to its model, where the file tells it; nil where only its name does.
  public let declaredRole: TensorRole?

  /// Puts a description and its values together.
  public init(_ info: TensorInfo, storage: TensorStorage, declaredRole: TensorRole? = nil) {
    self.info = info
    self.storage = storage
    self.declaredRole = declaredRole
  }

  /// The same tensor, which its file tells the role of.
  public func declared(_ role: TensorRole?) -> Tensor {
    role == declaredRole ? self : Tensor(info, storage: storage, declaredRole: role)
  }

  /// The same values under another name.
  ///
  /// - Throws: never for a tensor that exists; the size was checked when it was described.
  public func renamed(_ name: String) throws(TensorError) -> Tensor {
    let info = try TensorInfo(name: name, dtype: info.dtype, shape: info.shape)
    return Tensor(info, storage: storage, declaredRole: declaredRole)
  }

  /// A tensor of values in a source; nil when the first `rank` extents do not need `byteCount` bytes.
  package init?(
    name: UTF8Span, dtype: DType, extents: InlineArray<4, UInt32>, rank: Int, byteCount: Int,
    source: any ByteSource, offset: Int
  ) {
    guard let shape = Shape(extents, rank: rank),
      let info = TensorInfo(
        name: String(copying: name), dtype: dtype, shape: shape, byteCount: byteCount)
    else { return nil }
    self.info = info
    storage = .bytes(source, offset: offset)
    declaredRole = nil
  }

  /// Whether shape and dtype are those of another tensor.
  package func isAlike(_ other: Tensor) -> Bool {
    info.dtype == other.info.dtype && info.shape == other.info.shape
  }

  /// A tensor of values in memory, stored as `encoding` says.
  ///
  /// - Throws: `TensorError` when `bytes` are not as many as the shape and dtype need.
  public convenience init(name: String, shape: Shape, encoding: ElementEncoding, bytes: [UInt8])
    throws(TensorError)
  {
    let info = try TensorInfo(name: name, dtype: encoding.dtype, shape: shape)
    guard bytes.count == info.byteCount else {
      throw .wrongByteCount(info, found: bytes.count)
    }
    self.init(info, storage: .bytes(MemoryBytes(bytes, encoding: encoding), offset: 0))
  }

  /// A tensor of F32 values in memory.
  ///
  /// - Throws: `TensorError` when the values are not as many as the shape needs.
  public convenience init(name: String, shape: Shape, values: [Float]) throws(TensorError) {
    let bytes = values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    try self.init(name: name, shape: shape, encoding: ElementEncoding(.float32), bytes: bytes)
  }

  /// The values in little-endian C order.
  ///
  /// - Throws: what reading the source throws.
  public func bytes() throws -> [UInt8] {
    let buffer = ByteBuffer(count: info.byteCount)
    try read(bytes: 0..<info.byteCount, into: buffer, at: 0)
    return buffer.bytes(in: 0..<info.byteCount)
  }

  /// The values of a tensor of real floating point numbers, exactly.
  ///
  /// - Throws: `TensorError` for other dtypes, and what reading the source throws.
  public func values() throws -> [Double] {
    guard info.dtype.kind == .floating else { throw TensorError.notFloating(info) }
    let info64 = try TensorInfo(name: info.name, dtype: .float64, shape: info.shape)
    let identity = BlockOperation.linear(.uniform(inputCount: 1))
    let bytes = try Tensor(info64, storage: .computed(identity, [self])).bytes()
    return stride(from: 0, to: bytes.count, by: 8).map { start in
      let pattern = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
      return Double(bitPattern: pattern)
    }
  }

  /// Puts `range` of the values' little-endian bytes at `position` of `buffer`.
  ///
  /// The range must start and end between elements. NaN is written in its one form where values are
  /// computed.
  ///
  /// - Throws: what reading the source throws.
  public func read(bytes range: Range<Int>, into buffer: ByteBuffer, at position: Int) throws {
    precondition(range.lowerBound >= 0 && range.upperBound <= info.byteCount)
    switch storage {
    case .bytes(let source, let offset):
      try source.read(
        at: offset + range.lowerBound, count: range.count, into: buffer, at: position)
    case .computed(let operation, let inputs):
      try compute(operation, inputs, bytes: range, into: buffer, at: position)
    }
  }

  private func compute(
    _ operation: BlockOperation, _ inputs: [Tensor], bytes range: Range<Int>,
    into buffer: ByteBuffer, at position: Int
  ) throws {
    let unit = info.dtype.elementUnit
    precondition(range.lowerBound % unit == 0 && range.upperBound % unit == 0)
    let elements = range.lowerBound / unit..<range.upperBound / unit
    var operands = BlockOperands()
    operands.elementCount = elements.count
    operands.outputDType = info.dtype
    let inputSize = inputs.reduce(0) { $0 + elements.count * $1.info.dtype.elementUnit }
    let work = ByteBuffer(count: inputSize + range.count)
    var next = 0
    for input in inputs {
      let width = input.info.dtype.elementUnit
      try input.read(
        bytes: elements.lowerBound * width..<elements.upperBound * width, into: work, at: next)
      operands.inputOffsets.append(next)
      operands.inputDTypes.append(input.info.dtype)
      next += elements.count * width
    }
    operands.outputOffset = next
    let findings = operation.evaluate(operands, in: work)
    if findings.hasDisagreement && operation != .copyAgreeing(.takeFirst) {
      throw TensorError.disagreement(info)
    }
    if findings.hasNonFinite {
      Kernels.canonicalizeNaN(
        in: work, at: next, dtype: info.dtype, elementCount: elements.count)
    }
    buffer.copy(from: work, range: next..<next + range.count, to: position)
  }
}
