import Foundation
import JSONText
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct KerasShardsTests {
  private func merge(
    _ inputs: [String], to path: String, change: (inout AlignmentPolicy) -> Void = { _ in }
  ) throws {
    let readers = try inputs.map { try CheckpointReader(opening: FilePath($0)) }
    var policy = AlignmentPolicy()
    policy.optimizer = .average
    change(&policy)
    let plan = try MergePlan(
      readers.map(\.weights), labels: readers.map(\.path.string), policy: policy)
    let weights = try plan.weights { .uniform(inputCount: $0.count) }.recording(nil)
    var request = OutputRequest(path: FilePath(path), form: .folder)
    request.arrangement = readers[0].arrangement
    var options = StreamOptions()
    options.verifies = true
    _ = try PreparedOutput(weights, to: request).write(options)
  }

  private var inputs: [String] {
    (1...2).map { Fixtures.path("keras/sharded_s\($0)/mlp.weights.json") }
  }

  @Test func everyShardIsWrittenLikeTheFirstInputs() throws {
    let folder = try TemporaryFolder()
    try merge(inputs, to: folder.file("out"))
    let first = try WeightMap(contentsOf: inputs[0])
    let second = try WeightMap(contentsOf: inputs[1])
    // The folder and the index in it are the same checkpoint.
    for path in ["out", "out/mlp.weights.json"] {
      let written = try WeightMap(contentsOf: folder.file(path))
      #expect(Set(written.tensors.map(\.info)) == Set(first.tensors.map(\.info)))
      for tensor in written.tensors where tensor.info.dtype == .float32 {
        let pair = try [first, second].map { try #require($0[tensor.info.name]).values() }
        #expect(try tensor.values() == zip(pair[0], pair[1]).map { Double(Float(($0 + $1) * 0.5)) })
      }
    }
    let index = try folder.read("out/mlp.weights.json")
    let original = try Fixtures.bytes("keras/sharded_s1/mlp.weights.json")
    #expect(try JSONValue(parsing: index).text == JSONValue(parsing: original).text)
  }

  @Test func groupsThatAreLeftOutGoFromTheIndex() throws {
    let folder = try TemporaryFolder()
    try merge(inputs, to: folder.file("out")) { $0.optimizer = .drop }
    let index = String(decoding: try folder.read("out/mlp.weights.json"), as: UTF8.self)
    #expect(!index.contains("optimizer"))
    #expect(index.contains("layers/dense_1"))
    let written = try WeightMap(contentsOf: folder.file("out"))
    #expect(written.tensors.allSatisfy { !$0.info.name.hasPrefix("optimizer") })
  }

  @Test func aFolderWithOneFileKeepsItsForm() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.file("model"), withIntermediateDirectories: true)
    _ = try folder.write(
      "model/model.weights.h5", Fixtures.bytes("hdf5/keras3_mlp_s1.weights.h5"))
    _ = try folder.write("model/config.json", Array("{}".utf8))
    try merge([folder.file("model"), folder.file("model")], to: folder.file("out"))
    #expect(try WeightMap(contentsOf: folder.file("out/model.weights.h5")).count > 0)
  }

  @Test(arguments: [
    ("mlp_00001.weights.h5", "../mlp_00001.weights.h5"),
    ("mlp_00001.weights.h5", "missing.weights.h5"),
    ("\"weight_map\"", "\"other\""), ("layers/dense_1/vars", "layers/dense_9/vars"),
  ])
  func indexesThatDoNotFitAreRefused(old: String, new: String) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      atPath: Fixtures.path("keras/sharded_s1"), toPath: folder.file("m"))
    let index = String(decoding: try folder.read("m/mlp.weights.json"), as: UTF8.self)
    #expect(index.contains(old))
    let path = try folder.write("m/mlp.weights.json", Array(index.replacing(old, with: new).utf8))
    #expect(throws: CheckpointError.self) { try CheckpointReader(opening: FilePath(path)) }
  }
}
