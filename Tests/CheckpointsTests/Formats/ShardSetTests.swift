import SystemPackage
import TestSupport
import Testing

@testable import Checkpoints

/// Shards whose index is missing.
@Suite struct ShardSetTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ numbers: [Int], of count: Int = 2) throws {
    for number in numbers {
      try folder.write(
        "model-0000\(number)-of-0000\(count).safetensors",
        SafetensorsFile.encode([.init("w\(number)", [1])]))
    }
  }

  @Test(arguments: [[1, 2], [0, 1]])
  func completeShardsAreAModel(numbers: [Int]) throws {
    try write(numbers)
    let reader = try CheckpointReader(opening: FilePath(folder.path))
    #expect(reader.weights.count == 2)
    #expect(try CheckpointInputs([folder.path], for: .averaging).paths.count == 1)
    var request = OutputRequest(path: FilePath(folder.file("out")), form: .folder)
    request.take(from: reader)
    _ = try PreparedOutput(reader.weights, to: request).write()
    let names = numbers.map { "model-0000\($0)-of-00002.safetensors" }
    #expect(try folder.names(in: "out") == names + ["model.safetensors.index.json"])
  }

  @Test func aMissingShardIsNamed() throws {
    try write([1, 3], of: 3)
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointReader(opening: FilePath(folder.path))
    }
    #expect(
      error?.reason
        == "the shard 'model-00002-of-00003.safetensors' is missing: 2 of 3 are there")
  }

  @Test func shardsOfSeveralModelsAreRefused() throws {
    try write([1, 2])
    try folder.write(
      "other-00001-of-00001.safetensors", SafetensorsFile.encode([.init("v", [1])]))
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointReader(opening: FilePath(folder.path))
    }
    #expect(error?.reason == "it holds shards of several models and no index")
  }

  @Test func aTensorInTwoShardsIsRefused() throws {
    try write([1])
    try folder.write(
      "model-00002-of-00002.safetensors", SafetensorsFile.encode([.init("w1", [1])]))
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointReader(opening: FilePath(folder.path))
    }
    #expect(error?.reason.hasPrefix("tensor 'w1' is in 'model-00001-of-00002.safetensors'") == true)
  }
}
