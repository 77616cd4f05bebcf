import TensorCore
import TestSupport
import Testing

@testable import HDF5Format

@Suite struct ChunkCodecTests {
  private typealias Step = ChunkPipeline.Step

  private func decode(
    _ stored: [UInt8], _ steps: [ChunkFilter], mask: UInt32 = 0, count: Int,
    codec: ChunkCodec = ChunkCodec()
  ) throws -> [UInt8] {
    let target = ByteBuffer([], room: count + 32)
    try codec.decode(
      0..<stored.count, of: ByteBuffer(stored), filterMask: mask,
      pipeline: ChunkPipeline(steps.map { Step($0) }), chunkByteCount: count, into: target, at: 16)
    // Nothing beside the chunk is touched.
    #expect(target.isUntouched(in: 0..<16))
    #expect(target.isUntouched(in: count + 16..<count + 32))
    return target.bytes(in: 16..<16 + count)
  }

  private func encode(_ raw: [UInt8], _ pipeline: ChunkPipeline, codec: ChunkCodec = ChunkCodec())
    throws -> (bytes: [UInt8], mask: UInt32)
  {
    let room = pipeline.maximumStoredByteCount(of: raw.count)
    let target = ByteBuffer([], room: room + 32)
    let result = try codec.encode(
      0..<raw.count, of: ByteBuffer(raw), pipeline: pipeline, into: target, at: 16)
    #expect(target.isUntouched(in: 0..<16))
    #expect(target.isUntouched(in: room + 16..<room + 32))
    return (target.bytes(in: 16..<16 + result.byteCount), result.filterMask)
  }

  /// The floats from 1 to 16, and how h5py stores them.
  private let raw: [UInt8] = (1...16).flatMap { number -> [UInt8] in
    withUnsafeBytes(of: Float(number).bitPattern.littleEndian) { Array($0) }
  }
  private let deflated: [UInt8] = [
    120, 94, 99, 96, 192, 15, 26, 24, 28, 26, 22, 28, 120, 192, 32, 160, 96, 224, 16, 144, 80, 208,
    96, 239, 0, 6, 142, 48, 0, 0, 176, 93, 9, 201, 10, 237, 203, 218,
  ]
  private let light: [UInt8] = [
    1, 0, 0, 224, 21, 0, 17, 128, 0, 64, 128, 160, 192, 224, 0, 16, 32, 48, 64, 80, 96, 112, 128,
    63, 64, 96, 0, 0, 65, 128, 0, 1, 65, 65, 132, 110, 120, 180,
  ]
  private let deflatedSteps: [ChunkFilter] = [.shuffle(width: 4), .deflate(level: 4), .fletcher32]
  private let lightSteps: [ChunkFilter] = [.shuffle(width: 4), .lzf, .fletcher32]

  @Test func readsChunksOfH5py() throws {
    let codec = ChunkCodec()
    #expect(try decode(deflated, deflatedSteps, count: 64, codec: codec) == raw)
    #expect(try decode(light, lightSteps, count: 64, codec: codec) == raw)
    #expect(try decode(raw, [], count: 64, codec: codec) == raw)
    #expect(try decode(raw, deflatedSteps, mask: 7, count: 64, codec: codec) == raw)
    #expect(try decode(raw, deflatedSteps, mask: .max, count: 64, codec: codec) == raw)
  }

  @Test func anyFlippedBitIsFound() {
    for (chunk, steps) in [(deflated, deflatedSteps), (light, lightSteps)] {
      for bit in 0..<8 * chunk.count {
        var damaged = chunk
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        let error = #expect(throws: HDF5Error.self) { try decode(damaged, steps, count: 64) }
        #expect(error?.description == "damaged chunk: its checksum is wrong")
      }
    }
  }

  @Test func refusesChunksThatAreCutOff() {
    for count in 0..<deflated.count {
      #expect(throws: HDF5Error.self) {
        try decode(Array(deflated.prefix(count)), deflatedSteps, count: 64)
      }
      // Without the checksum, the stream itself must tell.
      #expect(throws: HDF5Error.self) {
        try decode(Array(deflated.prefix(min(count, 33))), deflatedSteps, mask: 4, count: 64)
      }
    }
    for count in 0..<64 {
      #expect(throws: HDF5Error.self) {
        try decode(Array(raw.prefix(count)), deflatedSteps, mask: 7, count: 64)
      }
    }
  }

  @Test func refusesAnotherSizeThanDeclared() {
    for count in [0, 1, 60, 63, 65, 68, 1000] {
      for (chunk, steps) in [(deflated, deflatedSteps), (light, lightSteps), (raw, [])] {
        let error = #expect(throws: HDF5Error.self) { try decode(chunk, steps, count: count) }
        #expect(error?.code == .damaged)
      }
    }
  }

  @Test func refusesABomb() throws {
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    for filter in [ChunkFilter.deflate(level: 9), .lzf] {
      let bomb = try encode(zeros, ChunkPipeline([Step(filter)])).bytes
      #expect(bomb.count < 20_000)
      let error = #expect(throws: HDF5Error.self) { try decode(bomb, [filter], count: 1000) }
      #expect(error?.description.contains("more than the 1000 bytes") == true)
      // A bomb in a bomb.
      let nested = try encode(bomb, ChunkPipeline([Step(.deflate(level: 9))])).bytes
      #expect(throws: HDF5Error.self) {
        try decode(nested, [filter, .deflate(level: 9)], count: 1000)
      }
    }
  }

  /// Every kind of pipeline, at sizes around those of elements; the codec is reused.
  @Test func whatIsEncodedComesBack() throws {
    let pipelines: [[ChunkFilter]] = [
      [], [.deflate(level: 1)], [.shuffle(width: 4)], [.fletcher32], [.lzf],
      [.shuffle(width: 4), .deflate(level: 4)], [.fletcher32, .shuffle(width: 4)],
      [.shuffle(width: 8), .deflate(level: 6), .fletcher32], [.fletcher32, .deflate(level: 1)],
      [.fletcher32, .fletcher32], [.fletcher32, .deflate(level: 2), .fletcher32],
      [.shuffle(width: 2), .shuffle(width: 4), .lzf, .deflate(level: 9), .fletcher32],
      [.deflate(level: 0), .deflate(level: 3), .shuffle(width: 3)], [.lzf, .lzf, .lzf],
      [.shuffle(width: 3), .lzf, .shuffle(width: 2), .fletcher32, .deflate(level: 5), .fletcher32],
    ]
    let codec = ChunkCodec()
    for steps in pipelines {
      let pipeline = ChunkPipeline(steps.map { Step($0) })
      for count in [1, 4, 63, 4096, 10_001] {
        var numbers = SplitMix(seed: 11)
        let noise = (0..<count).map { _ in UInt8(truncatingIfNeeded: numbers.next() >> 5) }
        for sample in [noise, sampleBytes(count, seed: 1), [UInt8](repeating: 0, count: count)] {
          let stored = try encode(sample, pipeline, codec: codec)
          let found = try decode(
            stored.bytes, steps, mask: stored.mask, count: count, codec: codec)
          #expect(found == sample, "\(steps), \(count) bytes")
        }
      }
    }
  }

  @Test func sourceAndTargetMayBeTheSameBuffer() throws {
    for steps in [deflatedSteps, lightSteps, [.fletcher32], []] {
      let pipeline = ChunkPipeline(steps.map { Step($0) })
      let buffer = ByteBuffer(raw, room: 500)
      let codec = ChunkCodec()
      let encoded = try codec.encode(0..<64, of: buffer, pipeline: pipeline, into: buffer, at: 100)
      try codec.decode(
        100..<100 + encoded.byteCount, of: buffer, filterMask: 0, pipeline: pipeline,
        chunkByteCount: 64, into: buffer, at: 300)
      #expect(buffer.bytes(in: 300..<364) == raw)
    }
  }

  @Test func optionalFiltersThatFailAreLeftOut() throws {
    var numbers = SplitMix(seed: 7)
    let noise = (0..<1000).map { _ in UInt8(truncatingIfNeeded: numbers.next() >> 5) }
    let pipeline = ChunkPipeline([
      Step(.shuffle(width: 1)), Step(.lzf), Step(.fletcher32, isOptional: false),
    ])
    let stored = try encode(noise, pipeline)
    #expect(stored.mask == 2)
    #expect(stored.bytes.count == 1004)
    #expect(Array(stored.bytes.prefix(1000)) == noise)
    let error = #expect(throws: HDF5Error.self) {
      try encode(noise, ChunkPipeline([Step(.lzf, isOptional: false)]))
    }
    #expect(error?.description.contains("lzf") == true)
  }
}
