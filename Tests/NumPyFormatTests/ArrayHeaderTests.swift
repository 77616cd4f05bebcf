import TensorCore
import Testing

@testable import NumPyFormat

@Suite struct ArrayHeaderTests {
  private func header(_ text: String, version: UInt8 = 1) -> [UInt8] {
    let length = text.utf8.count
    let count =
      version == 1
      ? [UInt8(length & 0xFF), UInt8(length >> 8)]
      : (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + count + Array(text.utf8)
  }

  @Test(arguments: [
    ("'<f4'", DType.float32), ("'<f8'", .float64), ("'<f2'", .float16), ("'|V2'", .bfloat16),
    ("'=i8'", .int64), ("'|u1'", .uint8), ("'|b1'", .bool), ("\"<c16\"", .complex128),
  ])
  func numbersAreRecognised(descr: String, dtype: DType) throws {
    let text = "{'descr': \(descr), 'fortran_order': False, 'shape': (2, 3), }"
    let parsed = try ArrayHeader(parsing: header(text))
    #expect(parsed.elements == .numbers(ElementEncoding(dtype)))
    #expect(parsed.shape.dimensions == [2, 3])
    #expect(!parsed.isFortranOrder)
  }

  @Test(arguments: [2, 3] as [UInt8])
  func laterVersionsHaveLongerLengths(version: UInt8) throws {
    let text = "{'descr': '>f4', 'fortran_order': True, 'shape': (5,)}\n"
    let parsed = try ArrayHeader(parsing: header(text, version: version))
    #expect(parsed.elements == .numbers(ElementEncoding(.float32, byteOrder: .bigEndian)))
    #expect(parsed.isFortranOrder)
    #expect(parsed.byteCount == 12 + text.utf8.count)
  }

  @Test func whatIsWrittenIsRead() throws {
    for (dtype, extents) in [
      (DType.float32, [3, 4]), (.bfloat16, [7]), (.int64, []), (.bool, [0, 2]),
    ] {
      let info = try TensorInfo(name: "x", dtype: dtype, shape: Shape(extents))
      let bytes = try #require(ArrayHeader.encode(info))
      #expect(bytes.count % 64 == 0)
      let parsed = try ArrayHeader(parsing: bytes)
      #expect(parsed.elements == .numbers(ElementEncoding(dtype)))
      #expect(parsed.shape == info.shape)
      #expect(parsed.byteCount == bytes.count)
    }
    let packed = try TensorInfo(name: "x", dtype: .float8E4M3, shape: Shape([2]))
    #expect(ArrayHeader.encode(packed) == nil)
  }

  @Test func textAndRecordsAreNoNumbers() throws {
    let text = "{'descr': '<U5', 'fortran_order': False, 'shape': ()}"
    #expect(try ArrayHeader(parsing: header(text)).elements == .other("'<U5'"))
    let records = "{'descr': [('a', '<f4'), ('b', '<i8')], 'fortran_order': False, 'shape': ()}"
    #expect(try ArrayHeader(parsing: header(records)).elements == .other("records"))
  }

  @Test func pythonObjectsAreNoNumbers() throws {
    let text = "{'descr': '|O', 'fortran_order': False, 'shape': ()}"
    let found = try ArrayHeader(parsing: header(text))
    #expect(found.elements == .objects)
    #expect(NumPyError.notNumbers(found).code == .unsupported)
  }

  @Test(arguments: [
    "", "{}", "[]", "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 6}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775811, 2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
    "{'descr': 'zz', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os')}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
    "{'descr': '<f\\x34', 'fortran_order': False, 'shape': (1,)}",
    String(repeating: "(", count: 10_000),
  ])
  func otherHeadersAreRefused(text: String) {
    #expect(throws: NumPyError.self) { try ArrayHeader(parsing: header(text)) }
  }

  @Test func aLengthBeyondTheFileIsRefused() throws {
    var bytes = header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}")
    bytes[8] = 0xFF
    #expect(throws: NumPyError.self) { try ArrayHeader(parsing: bytes) }
    #expect(throws: NumPyError.self) { try ArrayHeader(parsing: Array(bytes.prefix(7))) }
  }
}
