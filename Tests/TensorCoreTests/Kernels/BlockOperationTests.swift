import Testing

@testable import TensorCore

@Suite struct BlockOperationTests {
  private func evaluate(_ operation: BlockOperation, _ inputs: [[UInt8]], _ dtype: DType)
    -> (bytes: [UInt8], findings: BlockFindings)
  {
    let size = inputs[0].count
    let buffer = ByteBuffer(count: size * (inputs.count + 1))
    var operands = BlockOperands()
    operands.outputDType = dtype
    operands.elementCount = size / dtype.elementUnit
    operands.inputDTypes = inputs.map { _ in dtype }
    for (number, bytes) in inputs.enumerated() {
      buffer.copy(from: bytes, range: 0..<size, to: size * (number + 1))
      operands.inputOffsets.append(size * (number + 1))
    }
    let findings = operation.evaluate(operands, in: buffer)
    return (buffer.bytes(in: 0..<size), findings)
  }

  @Test func copiesEveryPatternUnchanged() {
    let bytes = Array<UInt8>(0...255)
    #expect(evaluate(.copy, [bytes], .float8E4M3).bytes == bytes)
    #expect(evaluate(.copy, [bytes], .float32).bytes == bytes)
  }

  @Test func reportsInputsThatDiffer() {
    let same = evaluate(.copyAgreeing(.takeFirst), [[1, 2], [1, 2], [1, 2]], .uint8)
    #expect(!same.findings.hasDisagreement)
    let other = evaluate(.copyAgreeing(.takeFirst), [[1, 2], [1, 2], [1, 3]], .uint8)
    #expect(other.findings.hasDisagreement)
    #expect(other.bytes == [1, 2])
  }

  @Test(
    arguments: [
      (DType.uint8, [0xFF], [0x01], [0xFF]), (.int8, [0xFF], [0x01], [0x01]),
      (.uint16, [0, 0x80], [1, 0], [0, 0x80]), (.int16, [0, 0x80], [1, 0], [1, 0]),
      (.uint32, [0, 0, 0, 0x80], [1, 0, 0, 0], [0, 0, 0, 0x80]),
      (.int32, [0, 0, 0, 0x80], [1, 0, 0, 0], [1, 0, 0, 0]),
      (
        .uint64, [0, 0, 0, 0, 0, 0, 0, 0x80], [1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0x80]
      ),
      (.int64, [0, 0, 0, 0, 0, 0, 0, 0x80], [1, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]),
      (.bool, [0], [1], [1]),
    ] as [(DType, [UInt8], [UInt8], [UInt8])])
  func takesTheLargestInteger(dtype: DType, first: [UInt8], second: [UInt8], expected: [UInt8]) {
    #expect(evaluate(.maximum, [first, second], dtype).bytes == expected)
  }

  @Test func namesTheFirstElementThatIsNotFinite() {
    let values: [Float] = [1, 2, .nan, .infinity]
    let bytes = values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    let buffer = ByteBuffer(count: 16)
    buffer.copy(from: bytes, range: 0..<16, to: 0)
    #expect(Kernels.firstNonFinite(in: buffer, at: 0, dtype: .float32, elementCount: 4) == 2)
    #expect(Kernels.firstNonFinite(in: buffer, at: 0, dtype: .float32, elementCount: 2) == nil)
    #expect(Kernels.firstNonFinite(in: buffer, at: 0, dtype: .complex64, elementCount: 2) == 1)
    #expect(Kernels.isNaN(in: buffer, at: 8, dtype: .float32))
    #expect(!Kernels.isNaN(in: buffer, at: 12, dtype: .float32))
  }
}
