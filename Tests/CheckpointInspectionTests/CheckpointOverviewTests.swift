import TensorCore
import Testing

@testable import CheckpointInspection

@Suite struct CheckpointOverviewTests {
  private func tree(_ names: String...) throws -> [String] {
    let weights = try WeightMap(
      names.map { try Tensor(name: $0, shape: Shape([2]), values: [0, 0]) })
    return CheckpointOverview(weights).tree().map { node in
      String(repeating: "  ", count: node.depth) + node.label + " \(node.total.elementCount)"
    }
  }

  @Test func groupsOfOneAreFolded() throws {
    #expect(
      try tree("m.h.0.w", "m.h.0.b", "m.h.1.w", "m.n.w")
        == ["m. 8", "  h. 6", "    0. 4", "      w 2", "      b 2", "    1.w 2", "  n.w 2"])
  }

  @Test func groupsThatAreInterruptedStayOne() throws {
    #expect(try tree("a/x", "b/x", "a/y") == ["a/ 4", "  x 2", "  y 2", "b/x 2"])
  }

  @Test func namesThatLookAlikeStayApart() throws {
    // The same letter as one character and as two.
    #expect(try tree("\u{E9}/x", "e\u{301}/x", "\u{E9}/y").count == 4)
    #expect(try tree(".", "..", "") == [". 4", "   2", "  . 2", " 2"])
  }

  @Test func deepNamesAreCutOnlySoFar() throws {
    let name = String(repeating: "a/", count: 100_000) + "w"
    #expect(try tree(name, "b").count == 2)
  }
}
