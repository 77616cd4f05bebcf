import FileIO
import Synchronization
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct TensorStreamTests {
  /// Inputs of many sizes and dtypes whose elements lie across block borders.
  private func inputs(_ count: Int, seed: UInt64, shuffled: Bool = false) throws -> [WeightMap] {
    var generator = SplitMix(seed: seed)
    let shapes: [(DType, Int)] = [
      (.float32, 400_001), (.bfloat16, 3), (.float64, 150_001), (.float8E4M3, 777), (.float16, 1),
      (.complex64, 40_003), (.int64, 5), (.float32, 0), (.bfloat16, 300_001), (.float32, 7),
    ]
    return try (0..<count).map { number in
      var tensors = try shapes.enumerated().map { index, shape in
        let values = (0..<shape.1 * shape.0.elementUnit).map { place in
          // High bytes that are small keep all values finite.
          place % 2 == 1 || shape.0.elementUnit == 1
            ? UInt8.random(in: 0...0x3F, using: &generator)
            : UInt8.random(in: 0...255, using: &generator)
        }
        return try Tensor(
          name: "t\(index)", shape: Shape([shape.1]), encoding: ElementEncoding(shape.0),
          bytes: shape.0 == .int64 ? [UInt8](repeating: 1, count: values.count) : values)
      }
      if shuffled && number > 0 { tensors.shuffle(using: &generator) }
      return try WeightMap(tensors)
    }
  }

  private func merged(_ maps: [WeightMap]) throws -> WeightMap {
    let labels = maps.indices.map { "\($0)" }
    return try MergePlan(maps, labels: labels, policy: AlignmentPolicy())
      .weights { .uniform(inputCount: $0.count) }
  }

  @Test(arguments: [1, 2, 3, 7])
  func theResultIsThatOfEachTensorAlone(count: Int) throws {
    let folder = try TemporaryFolder()
    let weights = try merged(try inputs(count, seed: 3, shuffled: true))
    let path = folder.file("out.safetensors")
    try weights.write(to: path)
    let written = try SafetensorsFile.decode(try folder.read("out.safetensors")).tensors
    #expect(written.count == weights.count)
    for tensor in weights.tensors {
      #expect(written[tensor.info.name]?.bytes == (try tensor.bytes()), "\(tensor.info.name)")
    }
  }

  @Test func threadsDoNotChangeTheBytes() throws {
    let folder = try TemporaryFolder()
    let weights = try merged(try inputs(3, seed: 5))
    let files = try [1, 2, 5, 64].map { threads in
      let name = "\(threads).safetensors"
      try weights.write(to: folder.file(name), options: StreamOptions(threads: threads))
      return try folder.read(name)
    }
    #expect(files.allSatisfy { $0 == files[0] })
  }

  @Test func sequencesOfMergesAreComputedInOneGo() throws {
    let folder = try TemporaryFolder()
    let maps = try inputs(2, seed: 9)
    let outer = try merged([try merged(maps), maps[0]])
    try outer.write(to: folder.file("out.safetensors"))
    let written = try SafetensorsFile.decode(try folder.read("out.safetensors")).tensors
    for tensor in outer.tensors {
      #expect(written[tensor.info.name]?.bytes == (try tensor.bytes()))
    }
  }

  @Test func nanIsNamedWithFileTensorAndPlace() throws {
    let folder = try TemporaryFolder()
    var values = [Float](repeating: 1, count: 600_000)
    values[500_003] = .nan
    values[500_009] = .infinity
    let good = try Tensor(name: "w", shape: Shape([600, 1000]), values: values.map { _ in 1 })
    let path = try folder.write(
      "bad.safetensors",
      SafetensorsFile.encode([.init("v", [1, 2]), .init("w", values, shape: [600, 1000])]))
    let bad = try WeightMap(contentsOf: path)
    let first = try WeightMap([Tensor(name: "v", shape: Shape([2]), values: [1, 2]), good])
    for threads in [1, 2, 8] {
      let error = #expect(throws: StreamError.self) {
        try merged([first, bad]).write(
          to: folder.file("out.safetensors"), options: StreamOptions(threads: threads))
      }
      #expect(error?.description == "\(path): tensor 'w': NaN at [500, 3]")
      #expect(error?.kind == .badInput)
    }
    #expect(try folder.names() == ["bad.safetensors"])
    try merged([first, bad]).write(
      to: folder.file("out.safetensors"), options: StreamOptions(nonFinite: .allow))
    let written = try SafetensorsFile.decode(try folder.read("out.safetensors")).tensors["w"]
    #expect(written?.floats[500_003].bitPattern == 0x7FC0_0000)
    #expect(written?.floats[500_009] == .infinity)
  }

  @Test func sumsThatOverflowAreNamed() throws {
    let folder = try TemporaryFolder()
    let tensor = try Tensor(name: "w", shape: Shape([2]), values: [1, 1e38])
    let map = try WeightMap([tensor])
    var policy = AlignmentPolicy()
    policy.outputDType = .float16
    let weights = try MergePlan([map], labels: ["a"], policy: policy)
      .weights { .uniform(inputCount: $0.count) }
    let error = #expect(throws: StreamError.self) {
      try weights.write(to: folder.file("out.safetensors"))
    }
    #expect(error?.description == "tensor 'w': the result at [1] is too large for F16")
    #expect(try folder.names() == [])
  }

  @Test func codesThatDifferAreRefusedByName() throws {
    let folder = try TemporaryFolder()
    let maps = try [1, 2].map { value in
      try WeightMap([
        Tensor(
          name: "q", shape: Shape([2]),
          encoding: ElementEncoding(.float4, byteOrder: .littleEndian),
          bytes: [UInt8(value)])
      ])
    }
    let error = #expect(throws: StreamError.self) {
      try merged(maps).write(to: folder.file("out.safetensors"))
    }
    #expect(error?.description.contains("tensor 'q' of F4 differs") == true)
    try merged([maps[0], maps[0]]).write(to: folder.file("out.safetensors"))
  }

  @Test func integersThatDifferAreReported() throws {
    let folder = try TemporaryFolder()
    let maps = try [[1, 5], [1, 6]].map { numbers in
      try WeightMap(
        numbers.enumerated().map { index, number in
          try Tensor(
            name: "n\(index)", shape: Shape([1]), encoding: ElementEncoding(.uint8),
            bytes: [UInt8(number)])
        })
    }
    let request = OutputRequest(path: .init(folder.file("out.safetensors")))
    let report = try PreparedOutput(try merged(maps), to: request).write()
    #expect(report.disagreeing == ["n1"])
  }

  @Test func anInterruptionLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let count = Mutex(0)
    let options = StreamOptions(interruption: {
      count.withLock {
        $0 += 1
        return $0 > 3 ? 15 : nil
      }
    })
    let weights = try merged(try inputs(2, seed: 1))
    let error = #expect(throws: StreamError.self) {
      try weights.write(to: folder.file("out.safetensors"), options: options)
    }
    #expect(error?.kind == .interrupted(signal: 15))
    #expect(try folder.names() == [])
  }

  @Test func progressReachesTheEnd() throws {
    let folder = try TemporaryFolder()
    let seen = Mutex<[(Int, Int)]>([])
    let options = StreamOptions(progress: { done, total in
      seen.withLock { $0.append((done, total)) }
    })
    try merged(try inputs(2, seed: 1)).write(to: folder.file("out.safetensors"), options: options)
    let size = try folder.read("out.safetensors").count
    #expect(seen.withLock { $0.map(\.0).max() } == size)
    #expect(seen.withLock { $0.allSatisfy { $0.1 == size } })
  }

  @Test func verificationFindsAByteThatChanged() throws {
    let folder = try TemporaryFolder()
    let weights = try merged(try inputs(2, seed: 1))
    var options = StreamOptions()
    options.verifies = true
    try weights.write(to: folder.file("out.safetensors"), options: options)
    let layout = try SafetensorsCheckpoint.layout(
      of: weights, for: OutputRequest(path: "out.safetensors"))
    var bytes = try folder.read("out.safetensors")
    bytes[bytes.count - 20] ^= 1
    let path = try folder.write("damaged.safetensors", bytes)
    let last = try #require(layout.files[0].placements.last).tensor
    let stream = TensorStream(weights, layout: layout, options: options)
    let error = #expect(throws: StreamError.self) {
      try stream.run(
        into: VerifyingSink(
          files: [try ReadableFile(FilePath(path))], program: stream.program))
    }
    #expect(
      error?.description.contains(
        "byte \(bytes.count - 20) (tensor '\(weights.tensors[last].info.name)')") == true)
  }

  @Test func manyInputsNeedLittleMemory() throws {
    let tensor = try Tensor(
      name: "w", shape: Shape([100_000]), values: [Float](repeating: 1, count: 100_000))
    let map = try WeightMap([tensor])
    let weights = try merged(Array(repeating: map, count: 700))
    let layout = try SafetensorsCheckpoint.layout(
      of: weights, for: OutputRequest(path: "out.safetensors"))
    let program = StreamProgram(weights, layout: layout)
    #expect(program.blockSize == 4096)
    #expect(Set(try weights.tensors[0].values()) == [1])
  }
}
