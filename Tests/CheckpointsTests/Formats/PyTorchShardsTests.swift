import Foundation
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints
@testable import FileIO

@Suite struct PyTorchShardsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func map(_ names: [String], first: Float = 0) throws -> WeightMap {
    try WeightMap(
      names.enumerated().map { index, name in
        try Tensor(
          name: name, shape: Shape([4]), values: Array(repeating: first + Float(index), count: 4))
      })
  }

  private func shard(_ number: Int, of count: Int = 2) -> String {
    PyTorchCheckpoint.shardNaming.shardName(stem: "pytorch_model", number: number - 1, of: count)
  }

  /// Writes the tensors `a` and `b`, and `c` in a second shard.
  private func writeModel(_ name: String = "m") throws {
    try FileManager.default.createDirectory(
      atPath: folder.file(name), withIntermediateDirectories: true)
    try map(["a", "b"]).write(to: folder.file("\(name)/\(shard(1))"))
    try map(["c"], first: 2).write(to: folder.file("\(name)/\(shard(2))"))
    try writeIndex(["a": shard(1), "b": shard(1), "c": shard(2)], in: name)
  }

  private func writeIndex(_ map: [String: String], in name: String = "m") throws {
    let members = map.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }
    try folder.write(
      "\(name)/pytorch_model.bin.index.json",
      text: "{\"weight_map\":{\(members.joined(separator: ","))}}")
  }

  private func refusal(_ name: String = "m") -> CheckpointError? {
    #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: folder.file(name)) }
  }

  private func write(
    _ reader: CheckpointReader, to path: String, _ change: (inout OutputRequest) -> Void = { _ in }
  )
    throws -> PreparedOutput
  {
    var request = OutputRequest(
      path: FilePath(folder.file(path)), form: .folder, existing: .replace, durability: .none)
    request.arrangement = reader.arrangement
    change(&request)
    let prepared = try PreparedOutput(reader.weights, to: request)
    var options = StreamOptions()
    options.verifies = true
    _ = try prepared.write(options)
    return prepared
  }

  // MARK: - Reading

  @Test func theFolderAndItsIndexAreTheSameModel() throws {
    try writeModel()
    let first = try CheckpointReader(opening: FilePath(folder.file("m")))
    let second = try CheckpointReader(
      opening: FilePath(folder.file("m/pytorch_model.bin.index.json")))
    #expect(first.weights.tensors.map(\.info.name) == ["a", "b", "c"])
    #expect(first.weights.tensors.map(\.info) == second.weights.tensors.map(\.info))
    #expect(first.identity == second.identity)
    #expect(first.isPyTorch && second.isPyTorch)
    #expect(try first.weights["c"]?.values() == [2, 2, 2, 2])
  }

  @Test func safetensorsArePreferred() throws {
    try writeModel()
    for (name, other) in [
      ("model.safetensors", "pytorch_model.bin.index.json")
    ] {
      try folder.write("m/\(name)", SafetensorsFile.encode([.init("w", [1])]))
      let reader = try CheckpointReader(opening: FilePath(folder.file("m")))
      #expect(reader.weights.tensors.map(\.info.name) == ["w"])
      #expect(reader.notices.count == 1)
      #expect(
        reader.notices.first?.hasSuffix("'\(other)' lies beside '\(name)', which is used") == true)
    }
    try folder.write(
      "m/model.safetensors.index.json", text: #"{"weight_map": {"w": "model.safetensors"}}"#)
    let reader = try CheckpointReader(opening: FilePath(folder.file("m")))
    #expect(reader.weights.count == 1)
    #expect(reader.notices.count == 1)
    let named = try CheckpointReader(
      opening: FilePath(folder.file("m/pytorch_model.bin.index.json")))
    #expect(named.weights.count == 3)
    #expect(named.notices.isEmpty)
  }

  @Test func aPartOfAShardCannotBeChosen() throws {
    try writeModel()
    let path = FilePath(folder.file("m"))
    for options in [ReadingOptions(key: "model"), ReadingOptions(usesAverage: true)] {
      let error = #expect(throws: CheckpointError.self) {
        try CheckpointReader(opening: path, options: options)
      }
      #expect(error?.kind == .usage)
    }
    #expect(
      try CheckpointReader(opening: path, options: ReadingOptions(key: ".")).weights.count == 3)
  }

  @Test func linksOfADownloadCacheAreFollowed() throws {
    try writeModel("blobs")
    try FileManager.default.createDirectory(
      atPath: folder.file("snapshot"), withIntermediateDirectories: true)
    for (place, name) in try folder.names(in: "blobs").enumerated() {
      try FileManager.default.moveItem(
        atPath: folder.file("blobs/\(name)"), toPath: folder.file("blobs/\(place)"))
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("snapshot/\(name)"), withDestinationPath: "../blobs/\(place)")
    }
    let reader = try CheckpointReader(opening: FilePath(folder.file("snapshot")))
    #expect(reader.weights.count == 3)
    let prepared = try write(reader, to: "out")
    #expect(prepared.fileNames == [shard(1), shard(2), "pytorch_model.bin.index.json"])
    for name in try folder.names(in: "out") {
      #expect(FileStatus(ofLink: FilePath(folder.file("out/\(name)")))?.kind == .file, "\(name)")
    }
  }

  // MARK: - Hostile folders

  @Test(arguments: [
    "../x.bin", "/etc/x.bin", "sub/x.bin", "..", "", ".bin", "a\\\\b.bin", "a\\u0000.bin",
    "model.safetensors",
  ])
  func shardNamesThatLeadElsewhereAreRefused(name: String) throws {
    try writeModel()
    try writeIndex(["a": name])
    #expect(refusal()?.reason.contains("expected the name of a .bin file") == true)
  }

  @Test func aMissingShardIsNamed() throws {
    try writeModel()
    try FileManager.default.removeItem(atPath: folder.file("m/\(shard(2))"))
    let error = refusal()
    #expect(error?.kind == .missingInput)
    #expect(error?.reason.contains("the shard '\(shard(2))'") == true)
  }

  @Test func aNameInTwoShardsIsRefused() throws {
    try writeModel()
    try FileManager.default.removeItem(atPath: folder.file("m/\(shard(2))"))
    try map(["c", "a"]).write(to: folder.file("m/\(shard(2))"))
    #expect(
      refusal()?.description.contains(
        "\(shard(2)): tensor 'a' is in this shard, but the index says it is in '\(shard(1))'")
        == true)
  }

  @Test func aNameThatOnlyOneOfIndexAndShardHasIsRefused() throws {
    try writeModel()
    try writeIndex(["a": shard(1), "c": shard(2)])
    #expect(
      refusal()?.reason.contains("'b' is in this shard, but the index does not name it") == true)
    try writeIndex(["a": shard(1), "b": shard(1), "c": shard(2), "d": shard(2), "e": shard(1)])
    #expect(refusal()?.reason == "tensor 'd' should be in '\(shard(2))', but is not (and 1 more)")
  }

  @Test func aShardOfAnotherKindIsRefused() throws {
    try writeModel()
    let cases: [(bytes: [UInt8], words: String)] = [
      (
        SafetensorsFile.encode([.init("c", [1])]),
        "it is a file of safetensors, but the index is one of PyTorch"
      ),
      (
        Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1234\n".utf8),
        "git-lfs pointer"
      ),
      (Array("<!DOCTYPE html><html>".utf8), "it is a web page"), ([], "the file is empty"),
    ]
    for (bytes, words) in cases {
      try folder.write("m/\(shard(2))", bytes)
      let error = refusal()
      #expect(error?.reason.contains(words) == true, "\(words)")
      #expect(error?.path.lastComponent?.string == shard(2))
    }
  }

  @Test func aPointerInPlaceOfTheIndexIsTold() throws {
    try writeModel()
    try folder.write(
      "m/pytorch_model.bin.index.json", text: "version https://git-lfs.github.com/spec/v1\nsize 9\n"
    )
    let error = refusal()
    #expect(error?.reason.contains("it is a git-lfs pointer") == true)
    #expect(error?.hint?.contains("git lfs pull") == true)
  }

  @Test func shardsOfTwoVersionsAreRefused() throws {
    try writeModel()
    try map(["a"]).write(to: folder.file("m/\(shard(1, of: 3))"))
    #expect(refusal()?.reason.contains("'\(shard(1, of: 3))' lies beside the index") == true)
  }

  @Test func anIndexOfAGibibyteIsNotRead() throws {
    try writeModel()
    for suffix in [".bin", ".safetensors"] {
      let path = folder.file("m/model\(suffix).index.json")
      try folder.write("m/model\(suffix).index.json", text: "{")
      let handle = try #require(FileHandle(forWritingAtPath: path))
      try handle.truncate(atOffset: 1 << 30)
      let error = #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: path) }
      #expect(error?.reason == "an index of 1073741824 bytes is too large to be one")
    }
  }

  @Test(arguments: ["other", "metadata", "weight_map"])
  func anIndexThatIsDeeplyNestedIsRefused(key: String) throws {
    try writeModel()
    let deep = String(repeating: "[", count: 1_000_000)
    try folder.write("m/pytorch_model.bin.index.json", text: "{\"\(key)\":\(deep)")
    _ = refusal()
  }

  // MARK: - Writing

  @Test func theFirstInputsPartitionIsKept() throws {
    try writeModel()
    let reader = try CheckpointReader(opening: FilePath(folder.file("m")))
    _ = try write(reader, to: "out")
    #expect(try folder.names(in: "out") == folder.names(in: "m"))
    let index = try String(decoding: folder.read("out/pytorch_model.bin.index.json"), as: UTF8.self)
    #expect(
      index == """
        {
          "metadata": {
            "total_size": 48
          },
          "weight_map": {
            "a": "\(shard(1))",
            "b": "\(shard(1))",
            "c": "\(shard(2))"
          }
        }

        """)
    #expect(
      try WeightMap(contentsOf: folder.file("out/\(shard(2))")).tensors.map(\.info.name) == ["c"])
  }

  @Test func formatsChangeWithTheirNames() throws {
    try writeModel()
    let reader = try CheckpointReader(opening: FilePath(folder.file("m")))
    _ = try write(reader, to: "st") { $0.format = SafetensorsCheckpoint.self }
    #expect(
      try folder.names(in: "st") == [
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
      ])
    let middle = try CheckpointReader(opening: FilePath(folder.file("st")))
    _ = try write(middle, to: "bin") { $0.format = PyTorchCheckpoint.self }
    #expect(try folder.names(in: "bin") == folder.names(in: "m"))
    let back = try WeightMap(contentsOf: folder.file("bin"))
    for tensor in reader.weights.tensors {
      #expect(try back[tensor.info.name]?.bytes() == tensor.bytes())
    }
  }

  @Test func aModelReplacesThatOfAnotherFormat() throws {
    try writeModel()
    try folder.write("m/README.md", text: "mine")
    try folder.write("m/adapter.safetensors", SafetensorsFile.encode([.init("e", [1])]))
    let reader = try CheckpointReader(opening: FilePath(folder.file("m")))
    _ = try write(reader, to: "m") {
      $0.format = SafetensorsCheckpoint.self; $0.maximumShardSize = 1000
    }
    #expect(try folder.names(in: "m") == ["README.md", "adapter.safetensors", "model.safetensors"])
    _ = try write(try CheckpointReader(opening: FilePath(folder.file("m"))), to: "m") {
      $0.format = PyTorchCheckpoint.self
      $0.maximumShardSize = 32
    }
    #expect(
      try folder.names(in: "m") == [
        "README.md", "adapter.safetensors", shard(1), shard(2), "pytorch_model.bin.index.json",
      ])
  }

  @Test func shardsWithoutSomeTensorsGetNewNames() throws {
    try writeModel()
    let reader = try CheckpointReader(opening: FilePath(folder.file("m")))
    let rest = WeightMap(distinct: Array(reader.weights.tensors.prefix(2)), metadata: [:])
    var request = OutputRequest(path: FilePath(folder.file("out")), form: .folder)
    request.arrangement = reader.arrangement
    _ = try PreparedOutput(rest, to: request).write()
    #expect(try folder.names(in: "out") == ["pytorch_model.bin"])
    let added = try WeightMap(reader.weights.tensors + map(["d"]).tensors)
    var other = OutputRequest(path: FilePath(folder.file("more")), form: .folder)
    other.arrangement = reader.arrangement
    _ = try PreparedOutput(added, to: other).write()
    let second = try WeightMap(contentsOf: folder.file("more/\(shard(2))"))
    #expect(second.tensors.map(\.info.name) == ["c", "d"])
    #expect(try WeightMap(contentsOf: folder.file("more")).count == 4)
  }
}
