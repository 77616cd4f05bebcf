import Testing

@testable import Plotting

/// The parts that a decoder needs; the oracle in Python decodes whole pictures.
@Suite struct PNGWriterTests {
  @Test func chunksAreInOrder() {
    let bytes = PNGWriter.bytes(Scene(width: 3, height: 2, title: ""))
    #expect(bytes.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    var types: [String] = []
    var place = 8
    while place + 8 <= bytes.count {
      let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      types.append(String(decoding: bytes[place + 4..<place + 8], as: UTF8.self))
      place += length + 12
    }
    #expect(place == bytes.count)
    #expect(types == ["IHDR", "pHYs", "IDAT", "IEND"])
    #expect(Array(bytes.suffix(4)) == [0xAE, 0x42, 0x60, 0x82])
    #expect(Array(bytes[16..<24]) == [0, 0, 0, 6, 0, 0, 0, 4])
  }

  @Test func runsBecomeShort() {
    #expect(RunLengthDeflate.zlibStream([UInt8](repeating: 7, count: 100_000)).count < 1100)
    #expect(
      RunLengthDeflate.zlibStream([]) == [0x78, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01])
  }
}
