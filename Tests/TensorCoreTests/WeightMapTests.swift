import Testing

@testable import TensorCore

@Suite struct WeightMapTests {
  private func tensor(_ name: String) throws -> Tensor {
    try Tensor(name: name, shape: Shape([1]), values: [1])
  }

  @Test func keepsTheOrderAndFindsNames() throws {
    let names = (0..<1000).map { "layer.\(($0 * 617) % 1000).weight" }
    let map = try WeightMap(names.map { try tensor($0) })
    #expect(map.tensors.map(\.info.name) == names)
    for (position, name) in names.enumerated() { #expect(map.position(of: name) == position) }
    #expect(map["layer.1000.weight"] == nil)
    #expect(map.count == 1000)
    #expect(map.byteCount == 4000)
  }

  @Test func refusesANameThatIsThereTwice() throws {
    let tensors = try ["a", "b", "a"].map { try tensor($0) }
    #expect(throws: TensorError.duplicateName("a")) { try WeightMap(tensors) }
  }

  @Test func tellsTwoSpellingsOfACharacterApart() throws {
    let map = try WeightMap(["\u{E9}", "e\u{301}"].map { try tensor($0) })
    #expect(map.position(of: "\u{E9}") == 0)
    #expect(map.position(of: "e\u{301}") == 1)
  }

  @Test func expectedPlacesAreOnlyAHint() throws {
    let map = try WeightMap(["a", "b"].map { try tensor($0) })
    for expected in [0, 1, 7] {
      #expect(map.position(ofNameOf: try tensor("b"), expected: expected) == 1)
    }
    #expect(map.position(ofNameOf: try tensor("c"), expected: 0) == nil)
  }

  @Test func mapsOfDistinctTensorsFindNamesToo() throws {
    let map = WeightMap(distinct: try ["a", "b"].map { try tensor($0) }, metadata: ["k": "v"])
    #expect(map["b"]?.info.name == "b")
    #expect(map.metadata["k"] == "v")
    #expect(map.quantized.isQuantized && map.quantized["a"] != nil)
  }
}
