import Testing

@testable import HDF5Format

@Suite struct ChunkPipelineTests {
  private func description(_ id: Int, _ values: [UInt32] = [], flags: UInt32 = 1, name: String = "")
    -> ChunkFilter.Description
  {
    ChunkFilter.Description(id: id, flags: flags, clientValues: values, name: name)
  }

  @Test func understandsTheFiltersThatH5pyWrites() throws {
    let pipeline = try ChunkPipeline([
      description(2, [4], name: "shuffle"), description(1, [9], name: "deflate"),
      description(32000, [4, 261, 64], name: "lzf"), description(3, flags: 0, name: "fletcher32"),
    ])
    #expect(
      pipeline.steps.map(\.filter) == [.shuffle(width: 4), .deflate(level: 9), .lzf, .fletcher32])
    #expect(pipeline.steps.map(\.isOptional) == [true, true, true, false])
    #expect(pipeline.steps.map(\.filter.name) == ["shuffle", "deflate", "lzf", "fletcher32"])
    #expect(try ChunkPipeline([ChunkFilter.Description]()).isEmpty)
  }

  @Test(arguments: [
    (4, "szip"), (5, "nbit"), (6, "scaleoffset"), (307, "bzip2"), (32001, "blosc"), (32004, "lz4"),
    (32008, "bitshuffle"), (32013, "zfp"), (32015, "zstd"), (32026, "blosc2"),
  ])
  func refusesOtherFiltersByName(id: Int, name: String) {
    let error = #expect(throws: HDF5Error.self) {
      try ChunkPipeline([description(2, [4]), description(id, [1, 2, 3])])
    }
    #expect(error?.code == .refused)
    #expect(error?.description == "filter \(id) (\(name)) is not supported")
  }

  @Test func refusesUnknownFiltersByTheirOwnName() {
    for (name, words) in [("mystery", "filter 777 (mystery) is"), ("", "filter 777 is")] {
      let error = #expect(throws: HDF5Error.self) { try ChunkFilter(description(777, name: name)) }
      #expect(error?.description.hasPrefix(words) == true)
    }
  }

  @Test func refusesParametersThatMakeNoSense() {
    let bad = [
      description(1), description(1, [10]), description(1, [4, 4]), description(2),
      description(2, [0]), description(2, [4, 4]),
    ]
    for description in bad {
      let error = #expect(throws: HDF5Error.self) { try ChunkPipeline([description]) }
      #expect(error?.code == .damaged)
    }
    let many = [ChunkFilter.Description](repeating: description(3), count: 33)
    #expect(throws: HDF5Error.self) { try ChunkPipeline(many) }
    #expect(throws: Never.self) { try ChunkPipeline(many.dropLast()) }
  }
}
