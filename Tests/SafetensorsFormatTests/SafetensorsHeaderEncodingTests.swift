import TensorCore
import TestSupport
import Testing

@testable import SafetensorsFormat

@Suite struct SafetensorsHeaderEncodingTests {
  private func tensor(_ name: String, _ dtype: DType, _ dimensions: [Int]) throws -> Tensor {
    Tensor(
      try TensorInfo(name: name, dtype: dtype, shape: Shape(dimensions)),
      storage: .bytes(MemoryBytes([]), offset: 0))
  }

  @Test func readsBackWhatItWrites() throws {
    let tensors = try [
      tensor("a", .float32, [2, 3]), tensor("scalar", .float64, []),
      tensor("empty", .int8, [0, 4]),
      tensor("quote\" back\\ line\n é 😀 \u{0}", .bfloat16, [1]), tensor("", .uint8, [8]),
      tensor("packed", .float6E2M3, [4]),
    ]
    let bytes = try SafetensorsHeader.encode(tensors, metadata: ["b": "1", "a": "\"é\""])
    #expect(bytes.count % 8 == 0)
    let data = tensors.reduce(0) { $0 + $1.info.byteCount }
    let header = try SafetensorsHeader(parsing: Array(bytes[8...]), dataByteCount: data)
    #expect(header.tensors.map(\.info) == tensors.map(\.info))
    #expect(header.metadata == ["b": "1", "a": "\"é\""])
  }

  @Test func theSameContentsGiveTheSameBytes() throws {
    let metadata = Dictionary(
      uniqueKeysWithValues: (0..<50).map { (ExactString("key\($0)"), "value") })
    let tensors = try [tensor("w", .float32, [1])]
    let first = try SafetensorsHeader.encode(tensors, metadata: metadata)
    let second = try SafetensorsHeader.encode(
      tensors, metadata: Dictionary(uniqueKeysWithValues: metadata.shuffled()))
    #expect(first == second)
  }

  @Test func writesTheCompactFormOfTheReference() throws {
    let bytes = try SafetensorsHeader.encode(
      [tensor("w", .float32, [784, 12])], metadata: ["format": "pt"])
    let text = String(decoding: bytes[8...], as: UTF8.self)
    #expect(
      text.hasPrefix(
        #"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[784,12],"data_offsets":[0,37632]}}"#
      ))
  }

  @Test func refusesWhatTheFormatLacks() throws {
    let tensors = try [tensor("z", .complex128, [1])]
    #expect(throws: SafetensorsError.self) {
      try SafetensorsHeader.encode(tensors, metadata: [:])
    }
  }

  @Test func refusesAHeaderThatReadersWouldRefuse() throws {
    let metadata: [ExactString: String] = ["big": String(repeating: "x", count: 100_000_001)]
    let tensors = try [tensor("w", .float32, [1])]
    #expect(throws: SafetensorsError.self) {
      try SafetensorsHeader.encode(tensors, metadata: metadata)
    }
  }
}
