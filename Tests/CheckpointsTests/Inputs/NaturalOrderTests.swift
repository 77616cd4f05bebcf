import Testing

@testable import Checkpoints

@Suite struct NaturalOrderTests {
  @Test(arguments: [
    ("a2", "a10"), ("a", "a1"), ("a1b2", "a1b10"), ("a09", "a10"), ("1", "a"),
    ("x9", "x99999999999999999999"),
  ])
  func numbersAreOrderedByTheirValue(first: String, second: String) {
    #expect(NaturalOrder(first) < NaturalOrder(second))
    #expect(!(NaturalOrder(second) < NaturalOrder(first)))
  }
}
