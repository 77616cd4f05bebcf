import TensorCore
import TestSupport
import Testing

@testable import Compression

@Suite struct LZFTests {
  private func decode(_ bytes: [UInt8], maximum: Int) throws -> [UInt8] {
    let target = ByteBuffer([], room: maximum + 64)
    let count = try LZF.decompress(
      0..<bytes.count, of: ByteBuffer(bytes), into: target, at: 0, maximumByteCount: maximum)
    #expect(target.isUntouched(in: maximum..<maximum + 64))
    return target.bytes(in: 0..<count)
  }

  @Test func readsWhatH5pyWrote() throws {
    #expect(try decode(Streams.lzf, maximum: Streams.text.count) == Streams.text)
    #expect(try decode([], maximum: 0) == [])
  }

  @Test func refusesDataThatAreCutOff() {
    // A cut between two items gives fewer bytes, which the caller knows by their number.
    for count in 0..<Streams.lzf.count {
      let found = try? decode(Array(Streams.lzf.prefix(count)), maximum: 400)
      #expect(found != Streams.text)
    }
    for bytes: [UInt8] in [[3, 1, 2, 3], [0, 65, 0x20], [0, 65, 0xE0], [0, 65, 0xE0, 0]] {
      #expect(throws: CompressionError(.damaged, "the LZF data are cut off")) {
        try decode(bytes, maximum: 400)
      }
    }
  }

  @Test(arguments: [
    [0x20, 0], [0, 65, 0x20, 1], [0, 65, 0x3F, 0xFF], [1, 65, 66, 0xE0, 255, 2],
  ])
  func refusesReferencesBeforeTheStart(bytes: [UInt8]) {
    let error = #expect(throws: CompressionError.self) { try decode(bytes, maximum: 400) }
    #expect(error?.description.contains("before their start") == true)
  }

  @Test func refusesMoreThanIsDeclared() {
    for maximum in [0, 1, 12, 13, 23, 24, 300, Streams.text.count - 1] {
      let error = #expect(throws: CompressionError.self) {
        try decode(Streams.lzf, maximum: maximum)
      }
      #expect(error?.code == .tooLarge)
    }
  }

  @Test(arguments: [1, 2, 3, 31, 32, 33, 264, 8_200, 70_000])
  func whatIsCompressedComesBack(count: Int) throws {
    var numbers = SplitMix(seed: 9)
    let noise = (0..<count).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
    let period = (0..<count).map { UInt8(truncatingIfNeeded: $0 % 8191 * 7919 >> 5) }
    let samples = [
      noise, period, Streams.sample(byteCount: count, seed: 4),
      [UInt8](repeating: 7, count: count),
    ]
    for sample in samples {
      let room = count + count / 32 + 1
      let buffer = ByteBuffer(sample, room: room)
      let stored = try #require(
        LZF.compress(0..<count, of: buffer, into: buffer, at: count, maximumByteCount: room))
      #expect(try decode(buffer.bytes(in: count..<count + stored), maximum: count) == sample)
    }
  }

  @Test func repetitionsAreFound() throws {
    let buffer = ByteBuffer(Streams.text, room: 100)
    let count = LZF.compress(
      0..<334, of: buffer, into: buffer, at: 334, maximumByteCount: Streams.lzf.count)
    #expect(count != nil)
  }

  @Test func saysWhenTheResultDoesNotFit() {
    var numbers = SplitMix(seed: 9)
    let noise = (0..<1000).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
    for room in [0, 1, 2, 33, 1000] {
      let buffer = ByteBuffer(noise, room: 2000)
      #expect(
        LZF.compress(0..<1000, of: buffer, into: buffer, at: 1000, maximumByteCount: room) == nil)
      #expect(buffer.isUntouched(in: 1000 + room..<3000))
    }
  }

  @Test func survivesRandomDamage() {
    var numbers = SplitMix(seed: 2)
    for _ in 0..<2000 {
      let count = Int(numbers.next() % 40)
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: numbers.next() >> 3) & 0xE3 }
      _ = try? decode(bytes, maximum: 100)
    }
  }
}
