import Synchronization
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct BlockReductionTests {
  /// Notes what it is given: the row, the place, and the sums of the bytes of each input.
  private struct Notes: BlockReduction {
    struct Piece: Sendable, Hashable {
      let firstElement: Int
      let elementCount: Int
      let sums: [Int]
    }

    var pieces: [(row: Int, piece: Piece)] = []

    func makeWorker() -> Worker { Worker() }

    mutating func add(_ partial: Piece, ofRow row: Int) { pieces.append((row, partial)) }

    final class Worker: ReductionWorker {
      func reduce(_ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer) -> (
        partial: Piece, isFinite: Bool
      ) {
        let sums = operands.inputOffsets.indices.map { input in
          let size = operands.elementCount * operands.inputDTypes[input].elementUnit
          let start = operands.inputOffsets[input]
          return buffer.bytes(in: start..<start + size).sum
        }
        let isFinite = operands.inputOffsets.indices.allSatisfy { input in
          Kernels.firstNonFinite(
            in: buffer, at: operands.inputOffsets[input], dtype: operands.inputDTypes[input],
            elementCount: operands.elementCount) == nil
        }
        return (
          Piece(firstElement: firstElement, elementCount: operands.elementCount, sums: sums),
          isFinite
        )
      }
    }
  }

  private func tensor(_ name: String, _ dtype: DType, _ bytes: [UInt8]) throws -> Tensor {
    try Tensor(
      name: name, shape: Shape([bytes.count / dtype.elementUnit]), encoding: ElementEncoding(dtype),
      bytes: bytes)
  }

  private func rows(_ sizes: [Int]) throws -> [[Tensor]] {
    var generator = SplitMix(seed: 4)
    return try sizes.enumerated().map { index, size in
      try [DType.bfloat16, .uint8].map { dtype in
        let pattern = (0..<61).map { _ in UInt8.random(in: 0...0x3F, using: &generator) }
        let size = size * dtype.elementUnit
        var bytes: [UInt8] = []
        while bytes.count < size { bytes += pattern }
        return try tensor("t\(index)", dtype, Array(bytes[..<size]))
      }
    }
  }

  private func run(_ rows: [[Tensor]], threads: Int, nonFinite: StreamOptions.NonFinite = .refuse)
    throws -> (reduction: Notes, nonFinite: [BlockReductions.NonFinitePlace])
  {
    try BlockReductions(
      rows, inputCount: rows[0].count,
      options: StreamOptions(threads: threads, nonFinite: nonFinite)
    ).run(Notes())
  }

  @Test func everyElementComesOnceAndInOrder() throws {
    let sizes = [1, 400_000, 0, 4096, 5000, 1, 1, 700_001, 3]
    let rows = try rows(sizes)
    let pieces = try run(rows, threads: 1).reduction.pieces
    for (row, size) in sizes.enumerated() {
      let parts = pieces.filter { $0.row == row }.map(\.piece)
      var next = 0
      for part in parts {
        #expect(part.firstElement == next)
        #expect(part.firstElement % BlockReductions.unit == 0)
        next += part.elementCount
      }
      #expect(next == size)
      for input in 0..<2 {
        let expected = try rows[row][input].bytes().sum
        #expect(parts.reduce(0) { $0 &+ $1.sums[input] } == expected)
      }
    }
    #expect(pieces.map(\.row) == pieces.map(\.row).sorted())
    #expect(pieces.count > sizes.count)
  }

  @Test(arguments: [2, 3, 16])
  func threadsChangeNothing(threads: Int) throws {
    let rows = try rows([900_000, 7, 300_000, 800_001])
    let alone = try run(rows, threads: 1).reduction.pieces
    let together = try run(rows, threads: threads).reduction.pieces
    #expect(alone.map(\.row) == together.map(\.row))
    #expect(alone.map(\.piece) == together.map(\.piece))
  }

  @Test func manyTinyTensorsShareBlocks() throws {
    let rows = try rows([Int](repeating: 3, count: 5000))
    #expect(ReductionProgram(rows, inputCount: 2).blockCount == 3)
    #expect(try run(rows, threads: 2).reduction.pieces.map(\.row) == Array(0..<5000))
  }

  @Test func nothingToReadIsNoError() throws {
    #expect(try run(try rows([0, 0]), threads: 2).reduction.pieces.isEmpty)
  }

  @Test func theFirstValueThatIsNotFiniteIsNamed() throws {
    var bytes = [UInt8](repeating: 0, count: 2_000_000)
    bytes[1_500_001] = 0x7F
    bytes[1_500_000] = 0x80
    var later = bytes
    later[1_900_001] = 0x7F
    later[1_900_000] = 0xC0
    let rows = [
      [
        try tensor("w", .bfloat16, [UInt8](repeating: 0, count: 2_000_000)),
        try tensor("w", .bfloat16, later),
      ]
    ]
    let error = #expect(throws: StreamError.self) { try run(rows, threads: 2) }
    #expect(error?.description == "memory: tensor 'w': infinity at [750000]")
    let allowed = try run(rows, threads: 2, nonFinite: .allow).nonFinite
    #expect(allowed.map(\.description) == ["memory: tensor 'w': infinity at [750000]"])
    #expect(allowed.map(\.input) == [1])
  }

  @Test func interruptionEndsIt() throws {
    let rows = try rows([900_000])
    let options = StreamOptions(threads: 2, interruption: { 15 })
    let error = #expect(throws: StreamError.self) {
      try BlockReductions(rows, inputCount: 2, options: options).run(Notes())
    }
    #expect(error?.kind == .interrupted(signal: 15))
  }
}

extension [UInt8] {
  /// The sum of eight bytes at a time: debug builds take long for each step.
  fileprivate var sum: Int {
    withUnsafeBytes { bytes in
      var sum = 0
      for place in stride(from: 0, to: bytes.count - 7, by: 8) {
        sum &+= Int(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      }
      for byte in bytes.suffix(bytes.count % 8) { sum &+= Int(byte) }
      return sum
    }
  }
}
