import Foundation
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints
@testable import FileIO

@Suite struct ShardedModelTests {
  @Test func everyMalformedFolderIsJudgedAsItShouldBe() throws {
    let files = try Fixtures.malformedVerdicts().filter { $0.path.hasPrefix("st_sharded/") }
    #expect(files.count > 40)
    for file in files {
      let path = Fixtures.path("malformed/" + file.path)
      let isAccepted = (try? WeightMap(contentsOf: path)) != nil
      #expect(isAccepted == file.isAccepted, "\(file.path): \(file.why)")
    }
  }

  @Test func theFolderAndItsIndexAreTheSameModel() throws {
    let folder = Fixtures.path("safetensors/hf/llama_sharded_s1")
    let first = try CheckpointReader(opening: FilePath(folder))
    let second = try CheckpointReader(opening: FilePath(folder + "/model.safetensors.index.json"))
    #expect(first.weights.tensors.map(\.info) == second.weights.tensors.map(\.info))
    #expect(first.files.count == 9)
    #expect(first.identity == second.identity)
    #expect(first.baseName == "llama_sharded_s1")
    #expect(second.baseName == "llama_sharded_s1")
    #expect(second.folder == FilePath(folder))
  }

  private func weights(_ sizes: [Int]) throws -> WeightMap {
    try WeightMap(
      sizes.enumerated().map { index, size in
        try Tensor(
          name: "t\(index)", shape: Shape([size]), values: (0..<size).map { Float($0 + index) })
      }, metadata: ["format": "pt"])
  }

  private func write(_ weights: WeightMap, _ path: String, limit: Int?) throws {
    var request = OutputRequest(path: FilePath(path), form: .folder, existing: .replace)
    request.maximumShardSize = limit
    _ = try PreparedOutput(weights, to: request).write()
  }

  @Test func shardsAreFilledUpToTheLimit() throws {
    let folder = try TemporaryFolder()
    try write(try weights([10, 10, 10, 100, 5]), folder.file("m"), limit: 80)
    #expect(
      try folder.names(in: "m") == [
        "model-00001-of-00004.safetensors", "model-00002-of-00004.safetensors",
        "model-00003-of-00004.safetensors", "model-00004-of-00004.safetensors",
        "model.safetensors.index.json",
      ])
    let read = try WeightMap(contentsOf: folder.file("m"))
    #expect(read.tensors.map(\.info.name) == ["t0", "t1", "t2", "t3", "t4"])
    #expect(try read["t3"]?.values().last == 102)
    #expect(read.metadata["format"] == "pt")
  }

  @Test func aModelThatFitsIsOneFileWithoutIndex() throws {
    let folder = try TemporaryFolder()
    try write(try weights([10, 10]), folder.file("m"), limit: 80)
    #expect(try folder.names(in: "m") == ["model.safetensors"])
  }

  @Test func aReplacedModelLeavesNoShardBehind() throws {
    let folder = try TemporaryFolder()
    try write(try weights([10, 10, 10]), folder.file("m"), limit: 40)
    try folder.write("m/README.md", text: "mine")
    try write(try weights([10, 10, 10]), folder.file("m"), limit: 80)
    #expect(
      try folder.names(in: "m") == [
        "README.md", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
      ])
    #expect(try WeightMap(contentsOf: folder.file("m")).count == 3)
  }

  @Test func anotherModelInTheFolderStays() throws {
    let folder = try TemporaryFolder()
    try write(try weights([10, 10]), folder.file("m"), limit: 40)
    let shard = SafetensorsFile.encode([.init("e", [1])])
    for name in ["ema-00001-of-00001.safetensors", "adapter.safetensors"] {
      try folder.write("m/\(name)", shard)
    }
    try folder.write(
      "m/ema.safetensors.index.json",
      text: #"{"weight_map": {"e": "ema-00001-of-00001.safetensors"}}"#)
    try write(try weights([10]), folder.file("m"), limit: 40)
    #expect(
      try folder.names(in: "m") == [
        "adapter.safetensors", "ema-00001-of-00001.safetensors", "ema.safetensors.index.json",
        "model.safetensors",
      ])
  }

  @Test func aNameTwiceInAShardIsRefused() throws {
    let folder = try TemporaryFolder()
    let entry = #""dtype":"F32","shape":[0],"data_offsets":[0,0]"#
    try folder.write(
      "m/a.safetensors",
      SafetensorsFile.encode(header: "{\"a\":{\(entry)},\"a\":{\(entry)}}", data: []))
    try folder.write(
      "m/model.safetensors.index.json",
      text: #"{"weight_map": {"a": "a.safetensors", "b": "a.safetensors"}}"#)
    #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: folder.file("m")) }
  }

  @Test func everyShardIsAligned() throws {
    let folder = try TemporaryFolder()
    let map = try WeightMap([
      Tensor(
        name: "a", shape: Shape([3]), encoding: ElementEncoding(.bfloat16),
        bytes: [0, 0, 0, 0, 0, 0]),
      Tensor(name: "b", shape: Shape([1]), encoding: ElementEncoding(.bfloat16), bytes: [0, 0]),
      Tensor(name: "c", shape: Shape([1]), values: [1]),
    ])
    try write(map, folder.file("m"), limit: 6)
    let read = try CheckpointReader(
      opening: FilePath(folder.file("m/model-00002-of-00002.safetensors")))
    #expect(read.weights.tensors.map(\.info.name) == ["c", "b"])
  }

  @Test func aFolderWithoutAModelIsNotReplaced() throws {
    let folder = try TemporaryFolder()
    try folder.write("home/letter.txt", text: "mine")
    let error = #expect(throws: CheckpointError.self) {
      try write(try weights([10]), folder.file("home"), limit: nil)
    }
    #expect(error?.kind == .cannotCreate)
    #expect(try folder.names(in: "home") == ["letter.txt"])
  }

  @Test func linksOfADownloadCacheAreFollowed() throws {
    let folder = try TemporaryFolder()
    let source = Fixtures.path("safetensors/hf/llama_sharded_s1")
    for name in try FileManager.default.contentsOfDirectory(atPath: source) {
      try FileManager.default.createDirectory(
        atPath: folder.file("snapshot"), withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("snapshot/\(name)"), withDestinationPath: source + "/" + name)
    }
    let reader = try CheckpointReader(opening: FilePath(folder.file("snapshot")))
    #expect(reader.weights.count == 30)
    var request = OutputRequest(path: FilePath(folder.file("out")), form: .folder)
    request.arrangement = reader.arrangement
    request.sidecarFolder = reader.folder
    _ = try PreparedOutput(reader.weights, to: request).write()
    #expect(try folder.names(in: "out").count == 12)
    for name in try folder.names(in: "out") {
      #expect(FileStatus(ofLink: FilePath(folder.file("out/\(name)")))?.kind == .file, "\(name)")
    }
  }

  @Test func anIndexIsPreferredToAFileBesideIt() throws {
    let folder = try TemporaryFolder()
    try write(try weights([10, 10, 10]), folder.file("m"), limit: 40)
    try folder.write("m/model.safetensors", SafetensorsFile.encode([.init("other", [1])]))
    let reader = try CheckpointReader(opening: FilePath(folder.file("m")))
    #expect(reader.weights.count == 3)
    #expect(reader.notices.count == 1)
  }

  @Test func aQuantizationConfigIsNoticed() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "m/model.safetensors", SafetensorsFile.encode([.init("w", "U8", [2], [1, 2])]))
    #expect(try !WeightMap(contentsOf: folder.file("m")).isQuantized)
    try folder.write("m/config.json", text: #"{"quantization_config": null, "x": [Infinity, NaN]}"#)
    #expect(try !WeightMap(contentsOf: folder.file("m")).isQuantized)
    try folder.write("m/config.json", text: "{damaged")
    #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: folder.file("m")) }
    try folder.write(
      "m/config.json", text: #"{"x": -Infinity, "quantization_config": {"bits": 4}}"#)
    #expect(try WeightMap(contentsOf: folder.file("m")).isQuantized)
    #expect(try WeightMap(contentsOf: folder.file("m/model.safetensors")).isQuantized)
  }

  @Test func foldersWithoutOneModelAreRefused() throws {
    let folder = try TemporaryFolder()
    #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: folder.path) }
    for name in ["a", "b"] {
      try folder.write("\(name).safetensors", SafetensorsFile.encode([.init("w", [1])]))
    }
    let error = #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: folder.path) }
    #expect(error?.reason == "it holds 2 checkpoints and no index")
  }
}
