import Testing

@testable import Episodes

@Suite struct TensorBoardLogTests {
  /// The bytes that TensorBoard's own writer makes of the same event.
  @Test func aRecordIsTheDocumentedBytes() {
    let event = TensorBoardLog.event(time: 1.5, step: nil, version: "brain.Event:2")
    let head: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0x1A, 13]
    let expected = head + Array("brain.Event:2".utf8)
    #expect(event == expected)
    let record = TensorBoardLog.record(event)
    let (first, last): ([UInt8], [UInt8]) = (
      [24, 0, 0, 0, 0, 0, 0, 0, 163, 127, 75, 34], [42, 40, 100, 108]
    )
    #expect(Array(record.prefix(12)) == first)
    #expect(Array(record.suffix(4)) == last)
  }

  @Test func aValueHasItsTagAndStep() {
    let event = TensorBoardLog.event(time: 0, step: 300, values: [("a", 0.5)])
    let expected: [UInt8] = [
      0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0xAC, 0x02, 0x2A, 10, 0x0A, 8, 0x0A, 1, 0x61,
    ]
    let value: [UInt8] = [0x15, 0, 0, 0, 0x3F]
    #expect(event == expected + value)
  }
}
