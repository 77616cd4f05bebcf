import TensorCore
import TestSupport
import Testing

@testable import Compression

@Suite struct RangeChecksumsTests {
  private static let bytes = Streams.sample(byteCount: 10_000, seed: 11)
  private static let ranges = [100..<101, 500..<4000, 4000..<4000, 4000..<9000, 9999..<10_000]

  private func expected(_ range: Range<Int>) -> UInt32 {
    var checksum = CRC32()
    checksum.update(Array(RangeChecksumsTests.bytes[range]))
    return checksum.value
  }

  private func add(_ piece: Range<Int>, to checksums: RangeChecksums) {
    // The bytes are not at the start of the buffer.
    let buffer = ByteBuffer([1, 2, 3] + RangeChecksumsTests.bytes[piece] + [4])
    checksums.add(3..<3 + piece.count, of: buffer, at: piece.lowerBound)
  }

  @Test(arguments: [1, 7, 500, 1000, 10_000]) func piecesMayComeInAnyOrder(size: Int) {
    var numbers = SplitMix(seed: UInt64(size))
    var pieces = stride(from: 0, to: 10_000, by: size).map { $0..<min($0 + size, 10_000) }
    // Neighbours change places: more than that is for scattered pieces.
    for index in pieces.indices.dropLast() where numbers.next() % 2 == 0 {
      pieces.swapAt(index, index + 1)
    }
    let checksums = RangeChecksums(RangeChecksumsTests.ranges)
    for piece in pieces { add(piece, to: checksums) }
    for (number, range) in RangeChecksumsTests.ranges.enumerated() where !range.isEmpty {
      #expect(checksums.gaps(inRange: number) == [])
      #expect(checksums.checksum(ofRange: number) == expected(range))
    }
  }

  @Test func whatIsMissingIsTold() {
    let checksums = RangeChecksums([0..<1000, 1000..<2000])
    #expect(checksums.gaps(inRange: 0) == nil)
    for piece in [300..<400, 100..<200, 900..<1100, 200..<300] { add(piece, to: checksums) }
    #expect(checksums.gaps(inRange: 0) == [0..<100, 400..<900])
    #expect(checksums.gaps(inRange: 1) == [1100..<2000])
    #expect(checksums.checksum(ofRange: 0) == nil)
    for gap in [0..<100, 400..<900] {
      checksums.add(CRC32(value: expected(gap)), of: gap, inRange: 0)
    }
    #expect(checksums.checksum(ofRange: 0) == expected(0..<1000))
  }

  @Test func piecesThatComeAgainOrOverlapChangeNothing() {
    let checksums = RangeChecksums([0..<1000])
    for piece in [0..<600, 200..<300, 0..<600, 500..<700, 600..<1000, 0..<1000] {
      add(piece, to: checksums)
    }
    #expect(checksums.checksum(ofRange: 0) == expected(0..<1000))
  }

  /// Pieces without neighbours are forgotten at some number; what is missing is told all the same.
  @Test func scatteredPiecesTakeLittleMemory() {
    let checksums = RangeChecksums([0..<10_000])
    for start in stride(from: 0, to: 10_000, by: 2) { add(start..<start + 1, to: checksums) }
    let gaps = checksums.gaps(inRange: 0) ?? []
    #expect(gaps.count == 256)
    for gap in gaps { checksums.add(CRC32(value: expected(gap)), of: gap, inRange: 0) }
    #expect(checksums.checksum(ofRange: 0) == expected(0..<10_000))
  }
}
