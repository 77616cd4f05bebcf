import CTensorKernels

/// The C kernels behind checked ranges: the only place that calls them.
public enum Kernels {
  /// Replaces every NaN among the elements by the dtype's one quiet NaN.
  public static func canonicalizeNaN(
    in buffer: ByteBuffer, at offset: Int, dtype: DType, elementCount: Int
  ) {
    guard let (type, parts) = dtype.kernelType else { return }
    buffer.check(offset..<offset + elementCount * dtype.elementUnit)
    unsafe imwa_canonicalize_nan(buffer.base + offset, type, elementCount * parts)
  }

  /// The index of the first element that is NaN or infinite; nil when there is none.
  public static func firstNonFinite(
    in buffer: ByteBuffer, at offset: Int, dtype: DType, elementCount: Int
  ) -> Int? {
    guard let (type, parts) = dtype.kernelType else { return nil }
    buffer.check(offset..<offset + elementCount * dtype.elementUnit)
    let count = elementCount * parts
    let index = unsafe imwa_first_nonfinite(buffer.base + offset, type, count)
    return index < count ? index / parts : nil
  }

  /// Whether the element at `offset`, which is not finite, is NaN rather than infinite.
  public static func isNaN(in buffer: ByteBuffer, at offset: Int, dtype: DType) -> Bool {
    let width = dtype.elementUnit
    let wide = ByteBuffer(count: 64)
    wide.copy(from: buffer, range: offset..<offset + width, to: 0)
    var operands = BlockOperands()
    operands.inputOffsets = [0]
    operands.inputDTypes = [dtype]
    operands.outputOffset = 32
    operands.outputDType = dtype.kind == .complex ? .complex128 : .float64
    operands.elementCount = 1
    _ = BlockOperation.linear(.uniform(inputCount: 1)).evaluate(operands, in: wide)
    let bytes = wide.bytes(in: 32..<32 + operands.outputDType.elementUnit)
    return stride(from: 0, to: bytes.count, by: 8).contains { start in
      let pattern = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
      return Double(bitPattern: pattern).isNaN
    }
  }

  /// Combines floating inputs; returns whether all results are finite.
  static func combine(
    _ recurrence: LinearRecurrence, _ operands: BlockOperands, in buffer: ByteBuffer,
    path: ProcessorPath
  ) -> Bool {
    guard let (outputType, parts) = operands.outputDType.kernelType else {
      preconditionFailure("\(operands.outputDType) has no arithmetic")
    }
    precondition(operands.inputOffsets.count == recurrence.inputCount)
    operands.check(in: buffer)
    precondition(operands.inputDTypes.allSatisfy { $0.kernelType?.parts == parts })
    return unsafe recurrence.withKernelRecurrence { kernelRecurrence in
      unsafe imwa_combine(
        path.kernelPath, buffer.base, operands.inputOffsets, operands.kernelTypes,
        kernelRecurrence, buffer.base + operands.outputOffset, outputType,
        operands.elementCount * parts)
    }
  }

  /// Takes the largest of integer inputs of one dtype.
  static func maximum(_ operands: BlockOperands, in buffer: ByteBuffer) {
    guard let type = operands.outputDType.kernelIntegerType else {
      preconditionFailure("\(operands.outputDType) is not an integer")
    }
    precondition(operands.inputDTypes.allSatisfy { $0 == operands.outputDType })
    operands.check(in: buffer)
    unsafe imwa_maximum(
      buffer.base, operands.inputOffsets, operands.inputOffsets.count,
      buffer.base + operands.outputOffset, type, operands.elementCount)
  }
}

extension BlockOperands {
  /// Stops when any operand reaches out of `buffer`.
  fileprivate func check(in buffer: ByteBuffer) {
    precondition(elementCount >= 0 && inputOffsets.count == inputDTypes.count)
    for (offset, dtype) in zip(inputOffsets, inputDTypes) {
      buffer.check(offset..<offset + elementCount * dtype.elementUnit)
    }
    buffer.check(outputOffset..<outputOffset + elementCount * outputDType.elementUnit)
  }
}

extension LinearRecurrence {
  fileprivate func withKernelRecurrence<Result>(
    _ body: (UnsafePointer<imwa_linear_recurrence>) -> Result
  ) -> Result {
    precondition(coefficients.map { $0.count == inputCount } ?? true)
    precondition(decays.map { $0.count == inputCount } ?? true)
    return unsafe withPointer(to: coefficients) { coefficients in
      unsafe withPointer(to: decays) { decays in
        var recurrence = unsafe imwa_linear_recurrence(
          input_count: inputCount, coefficients: coefficients, decays: decays, scale: scale)
        return unsafe withUnsafePointer(to: &recurrence) { unsafe body($0) }
      }
    }
  }

  private func withPointer<Result>(
    to numbers: [Double]?, _ body: (UnsafePointer<Double>?) -> Result
  ) -> Result {
    guard let numbers else { return body(nil) }
    return unsafe numbers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
  }
}

extension DType {
  /// The kernels' type and how many such numbers make one element; nil without arithmetic.
  fileprivate var kernelType: (imwa_float_type, parts: Int)? {
    switch self {
    case .float64: (IMWA_FLOAT64, 1)
    case .float32: (IMWA_FLOAT32, 1)
    case .float16: (IMWA_FLOAT16, 1)
    case .bfloat16: (IMWA_BFLOAT16, 1)
    case .float8E4M3: (IMWA_FLOAT8_E4M3, 1)
    case .float8E5M2: (IMWA_FLOAT8_E5M2, 1)
    case .complex64: (IMWA_FLOAT32, 2)
    case .complex128: (IMWA_FLOAT64, 2)
    default: nil
    }
  }

  /// The kernels' type as a number; 0 without arithmetic.
  var kernelCode: UInt8 { UInt8(kernelType?.0.rawValue ?? 0) }

  /// The type of an input of a reduction as a number; nil for codes without arithmetic.
  var reductionCode: UInt8? {
    if kernelType != nil { return kernelCode }
    return kernelIntegerType.map { UInt8(IMWA_FIRST_INTEGER_TYPE) + UInt8($0.rawValue) }
  }

  fileprivate var kernelIntegerType: imwa_integer_type? {
    switch self {
    case .bool, .uint8: IMWA_UNSIGNED8
    case .int8: IMWA_SIGNED8
    case .uint16: IMWA_UNSIGNED16
    case .int16: IMWA_SIGNED16
    case .uint32: IMWA_UNSIGNED32
    case .int32: IMWA_SIGNED32
    case .uint64: IMWA_UNSIGNED64
    case .int64: IMWA_SIGNED64
    default: nil
    }
  }
}
