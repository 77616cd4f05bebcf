import TensorCore
import TestSupport
import Testing

@testable import SafetensorsFormat

@Suite struct SafetensorsHeaderTests {
  /// Reads a whole file as the format's adapter does, names indexed.
  static func parse(_ bytes: [UInt8]) throws -> SafetensorsHeader {
    let count = try SafetensorsHeader.byteCount(
      prefix: Array(bytes.prefix(8)), fileSize: bytes.count)
    let header = try SafetensorsHeader(
      parsing: Array(bytes[8..<8 + count]), dataByteCount: bytes.count - 8 - count)
    _ = try WeightMap(
      header.tensors)
    return header
  }

  @Test func everyMalformedFileIsJudgedAsItShouldBe() throws {
    let files = try Fixtures.malformedVerdicts().filter { $0.path.hasPrefix("st/") }
    #expect(files.count > 200)
    for file in files {
      let bytes = try Fixtures.bytes("malformed/" + file.path)
      let isAccepted = (try? Self.parse(bytes)) != nil
      #expect(isAccepted == file.isAccepted, "\(file.path): \(file.why)")
    }
  }

  @Test func readsWhatTheReferenceWrites() throws {
    let header = try Self.parse(try Fixtures.bytes("safetensors/cnn_bn_s1.safetensors"))
    #expect(header.tensors.count == 15)
    #expect(header.metadata["format"] == "pt")
  }

  @Test func errorsNameTheTensorAndWhatWasFound() {
    let bytes = SafetensorsFile.encode(
      header: #"{"layer.w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,12]}}"#,
      data: [UInt8](repeating: 0, count: 12))
    #expect(
      throws: SafetensorsError.badTensor(
        "layer.w", "expected 16 bytes of data for F32 [2, 2], found 12")
    ) { try Self.parse(bytes) }
  }

  @Test func truncatedDataIsToldWithBothSizes() {
    let bytes = SafetensorsFile.encode([.init("w", [1, 2, 3])])
    let error = #expect(throws: SafetensorsError.self) { try Self.parse(Array(bytes.dropLast())) }
    #expect(error?.description == "the header describes 12 bytes of data, the file has 11")
    #expect(error?.hint != nil)
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try Fixtures.bytes("safetensors/mlp_bf16_s1.safetensors")
    for count in Array(0..<400) + stride(from: 400, to: bytes.count, by: 97) {
      #expect((try? Self.parse(Array(bytes[..<count]))) == nil, "\(count) bytes")
    }
  }

  /// Random damage never crashes; what is accepted is consistent.
  @Test func randomDamageIsRefusedOrHarmless() throws {
    var generator = SplitMix(seed: 2024)
    let original = try Fixtures.bytes("safetensors/dtypes_s1.safetensors")
    let headerEnd = 8 + original[..<8].enumerated().reduce(0) { $0 | Int($1.1) << (8 * $1.0) }
    for _ in 0..<4000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<headerEnd, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes.remove(at: place)
        default: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &generator), at: place)
        }
      }
      guard let header = try? Self.parse(bytes) else { continue }
      let total = header.tensors.reduce(0) { $0 + $1.info.byteCount }
      #expect(total < bytes.count)
    }
  }
}
