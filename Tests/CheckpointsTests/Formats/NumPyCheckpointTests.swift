import Compression
import FileIO
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct NumPyCheckpointTests {
  @Test func deflatedArraysAreThoseThatWereStored() throws {
    for number in 1...3 {
      let stored = try WeightMap(contentsOf: Fixtures.path("npz/flax_s\(number).npz"))
      let deflated = try WeightMap(contentsOf: Fixtures.path("npz/flax_z_s\(number).npz"))
      #expect(stored.count == 8)
      for tensor in stored.tensors {
        #expect(try deflated[tensor.info.name]?.bytes() == tensor.bytes())
      }
    }
  }

  @Test func aSingleArrayHasTheNameOfTheFirst() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("x.npy")
    let weights = try WeightMap([Tensor(name: "w", shape: Shape([2]), values: [1, 2])])
    try weights.write(to: path)
    let read = try WeightMap(contentsOf: path)
    #expect(read.tensors.map(\.info.name) == ["arr_0"])
    #expect(try read["arr_0"]?.values() == [1, 2])
    let two = try WeightMap([
      Tensor(name: "a", shape: Shape([1]), values: [1]),
      Tensor(name: "b", shape: Shape([1]), values: [1]),
    ])
    #expect(throws: CheckpointError.self) { try two.write(to: folder.file("two.npy")) }
  }

  @Test func aNameThatGetsLostIsSaid() throws {
    let folder = try TemporaryFolder()
    func notices(_ name: String) throws -> [String] {
      let weights = try WeightMap([Tensor(name: name, shape: Shape([1]), values: [1])])
      return try PreparedOutput(
        weights, to: OutputRequest(path: FilePath(folder.file("x.npy")))
      ).notices
    }
    #expect(
      try notices("w") == [
        "a .npy file has no name for its array: 'w' will be read as 'arr_0'"
      ])
    #expect(try notices("arr_0").isEmpty)
  }

  @Test func dtypesThatNumPyLacksAreNamed() throws {
    let folder = try TemporaryFolder()
    let tensor = try Tensor(
      name: "w", shape: Shape([2]), encoding: ElementEncoding(.float8E4M3), bytes: [1, 2])
    let error = #expect(throws: CheckpointError.self) {
      try WeightMap([tensor]).write(to: folder.file("x.npz"))
    }
    #expect(error?.description.contains("'w' of F8_E4M3") == true)
  }

  @Test(arguments: [
    ("method_bzip2", false), ("eocd_count", false), ("name_absolute", false),
    ("npy_descr_eq", true), ("npy_extra_key", false), ("npy_shape_int", false),
    ("npy_shape_wrap6", false), ("prefix_garbage", true),
  ])
  func malformedArchives(name: String, isAccepted: Bool) throws {
    let path = Fixtures.path("malformed/npz/\(name).npz")
    if isAccepted {
      #expect(try WeightMap(contentsOf: path).count > 0)
    } else {
      #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: path) }
    }
  }

  @Test func kerasWithArraysKeepsItsConfiguration() throws {
    let folder = try TemporaryFolder()
    let values: [[Float]] = [[1, 2], [3, 6]]
    for (number, numbers) in values.enumerated() {
      try WeightMap([Tensor(name: "layers/dense/vars/0", shape: Shape([2]), values: numbers)])
        .write(to: folder.file("\(number).npz"))
      var plan = ArchivePlan()
      plan.append("metadata.json", bytes: Array("{}".utf8))
      plan.append("config.json", bytes: Array("{\"a\": \(number)}".utf8))
      plan.append("model.weights.npz", bytes: try folder.read("\(number).npz"))
      let layout = try plan.layout(WeightMap([]))
      let stream = TensorStream(try WeightMap([]), layout: layout, options: StreamOptions())
      let path = FilePath(folder.file("\(number).keras"))
      let file = try WritableFile(
        creating: path, size: layout.byteCount, durability: .none)
      _ = try stream.run(into: FileSink(files: [file], checksums: [RangeChecksums([])]))
    }
    let readers = try (0...1).map {
      try CheckpointReader(opening: FilePath(folder.file("\($0).keras")))
    }
    let merge = try MergePlan(
      readers.map(\.weights), labels: ["a", "b"], policy: AlignmentPolicy())
    var request = OutputRequest(path: FilePath(folder.file("out.keras")), durability: .none)
    request.arrangement = readers[0].arrangement
    let weights = try merge.weights { .uniform(inputCount: $0.count) }
    _ = try PreparedOutput(weights, to: request).write()
    let output = try CheckpointReader(opening: request.path)
    try output.checksums?(1)
    #expect(try output.weights["layers/dense/vars/0"]?.values() == [2, 4])
  }
}
