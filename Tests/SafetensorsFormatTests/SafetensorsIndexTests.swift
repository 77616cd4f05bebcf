import JSONText
import Testing

@testable import SafetensorsFormat

@Suite struct SafetensorsIndexTests {
  private func parse(_ text: String) throws -> SafetensorsIndex {
    try SafetensorsIndex(parsing: Array(text.utf8))
  }

  @Test func readsWhatItWrites() throws {
    let bytes = SafetensorsIndex.encode(
      shardOfTensor: ["b": "m-00002-of-00002.safetensors", "a": "m-00001-of-00002.safetensors"],
      totalSize: 24, metadata: [JSONValue.Member("total_parameters", .integer(6))])
    let index = try SafetensorsIndex(parsing: bytes)
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
    #expect(throws: SafetensorsError.self) { try parse(#"{"weight_map":{"a":"\#(name)"}}"#) }
  }

  @Test(arguments: [
    "[]", "{}", "{\"weight_map\":{}}", "{\"weight_map\":[]}", "{\"weight_map\":{\"a\":1}}",
    "{\"metadata\":1,\"weight_map\":{\"a\":\"x.safetensors\"}}",
    "{\"metadata\":{\"total_size\":\"24\"},\"weight_map\":{\"a\":\"x.safetensors\"}}",
    "{\"weight_map\":{\"a\":\"x.safetensors\",\"a\":\"y.safetensors\"}}", "not JSON",
  ])
  func refusesOtherContents(text: String) {
    #expect(throws: SafetensorsError.self) { try parse(text) }
  }

  @Test func acceptsASizeThatWasDividedInFloatingPoint() throws {
    let text = #"{"metadata":{"total_size":24.0},"weight_map":{"a":"x.safetensors"}}"#
    #expect(try parse(text).totalSize == 24)
  }

  @Test func namesShardsAsHuggingFaceDoes() {
    #expect(
      SafetensorsIndex.shardName(stem: "model", number: 0, of: 9)
        == "model-00001-of-00009.safetensors")
    #expect(SafetensorsIndex.shardName(stem: "model", number: 0, of: 1) == "model.safetensors")
    #expect(SafetensorsIndex.stem(ofShard: "a-b-00001-of-00009.safetensors") == "a-b")
    #expect(SafetensorsIndex.stem(ofShard: "model.safetensors") == nil)
    #expect(SafetensorsIndex.stem(ofShard: "model-1-of-9.safetensors") == nil)
  }
}
