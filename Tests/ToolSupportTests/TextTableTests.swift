import Testing

@testable import ToolSupport

@Suite struct TextTableTests {
  @Test func columnsAreAligned() {
    #expect(
      TextTable.lines([["name", "n"], ["é", "1000"], ["long name"]], leftAligned: [0]) == [
        "name          n", "é          1000", "long name",
      ])
  }

  @Test func noLineEndsInSpaces() {
    #expect(
      TextTable.lines([["a", "", ""], ["bc", "x", ""], ["", "", ""]], leftAligned: [0, 1, 2]) == [
        "a", "bc  x", "",
      ])
  }
}
