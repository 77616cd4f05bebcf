import JSONText
import SystemPackage
import Testing

@testable import Checkpoints

@Suite struct ShardIndexTests {
  private let naming = SafetensorsCheckpoint.shardNaming

  private func parse(_ text: String, _ naming: ShardNaming? = nil) throws -> ShardIndex {
    try ShardIndex(parsing: Array(text.utf8), "index.json", naming ?? self.naming)
  }

  @Test func readsWhatItWrites() throws {
    let bytes = ShardIndex.encode(
      shardOfTensor: ["b": "m-00002-of-00002.safetensors", "a": "m-00001-of-00002.safetensors"],
      totalSize: 24, metadata: [JSONValue.Member("total_parameters", .integer(6))])
    let index = try ShardIndex(parsing: bytes, "index.json", naming)
    #expect(index.totalSize == 24)
    #expect(index.shards == ["m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors"])
    #expect(index.shardOfTensor["b"] == "m-00002-of-00002.safetensors")
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasPrefix("{\n  \"metadata\": {\n    \"total_parameters\": 6,"))
    #expect(text.hasSuffix("}\n"))
  }

  @Test(arguments: [
    "../x.safetensors", "/x.safetensors", "sub/x.safetensors", "..", ".", "", "x.bin", "x",
    ".safetensors", "a\\\\b.safetensors", "a\\u0000b.safetensors",
  ])
  func refusesShardNamesThatLeadElsewhere(name: String) {
    #expect(throws: CheckpointError.self) { try parse(#"{"weight_map":{"a":"\#(name)"}}"#) }
  }

  @Test(arguments: [
    "[]", "{}", "{\"weight_map\":{}}", "{\"weight_map\":[]}", "{\"weight_map\":{\"a\":1}}",
    "{\"metadata\":1,\"weight_map\":{\"a\":\"x.safetensors\"}}",
    "{\"metadata\":{\"total_size\":\"24\"},\"weight_map\":{\"a\":\"x.safetensors\"}}",
    "{\"weight_map\":{\"a\":\"x.safetensors\",\"a\":\"y.safetensors\"}}", "not JSON",
  ])
  func refusesOtherContents(text: String) {
    #expect(throws: CheckpointError.self) { try parse(text) }
  }

  @Test func acceptsASizeThatWasDividedInFloatingPoint() throws {
    let text = #"{"metadata":{"total_size":24.0},"weight_map":{"a":"x.safetensors"}}"#
    #expect(try parse(text).totalSize == 24)
  }

  @Test func namesShardsAsHuggingFaceDoes() {
    #expect(
      naming.shardName(stem: "model", number: 0, of: 9)
        == "model-00001-of-00009.safetensors")
    #expect(naming.shardName(stem: "model", number: 0, of: 1) == "model.safetensors")
    #expect(naming.stem(ofShard: "a-b-00001-of-00009.safetensors") == "a-b")
    #expect(naming.stem(ofShard: "model.safetensors") == nil)
    #expect(naming.stem(ofShard: "model-1-of-9.safetensors") == nil)
  }

  @Test func eachFormatHasItsNames() throws {
    let bin = PyTorchCheckpoint.shardNaming
    #expect(bin.usualIndexName == "pytorch_model.bin.index.json")
    #expect(bin.stem(ofShard: "pytorch_model-00001-of-00003.bin") == "pytorch_model")
    #expect(bin.isPart("pytorch_model.bin", ofModel: "pytorch_model"))
    let text = #"{"weight_map":{"a":"pytorch_model-00001-of-00001.bin"}}"#
    #expect(try parse(text, bin).shards == ["pytorch_model-00001-of-00001.bin"])
    let error = #expect(throws: CheckpointError.self) { try parse(text) }
    #expect(error?.reason.contains("expected the name of a .safetensors file") == true)
    #expect(CheckpointFormats.format(ofIndex: "x.bin.index.json")?.name == "PyTorch")
    #expect(CheckpointFormats.format(ofIndex: "x.npz.index.json") == nil)
  }
}
