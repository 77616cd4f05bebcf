import Testing

@testable import ToolSupport

@Suite struct LiveBlockTests {
  @Test(arguments: [
    ("abc", 3), ("", 0), ("é", 1), ("e\u{301}", 1), ("日本語", 6), ("한글", 4), ("ﾊﾝ", 2), ("全", 2),
    ("🙂", 2),
    ("👩‍💻", 2), ("❤️", 2), ("a\u{200B}b", 2), ("→ …", 3),
  ])
  func wideCharactersTakeTwoColumns(text: String, width: Int) {
    #expect(ColumnWidth.of(text) == width)
  }

  @Test func aLineIsCutBetweenCharacters() {
    #expect(ColumnWidth.prefix("日本語", columns: 5) == "日本")
    #expect(ColumnWidth.prefix("abc", columns: 2) == "ab")
    #expect(ColumnWidth.prefix("abc", columns: 0) == "")
  }

  @Test func rowsAreErasedOneByOne() {
    #expect(LiveBlock.redrawing(rows: 0, with: ["a"], columns: 9) == "a\u{1B}[K\n")
    #expect(
      LiveBlock.redrawing(rows: 3, with: ["a"], columns: 9)
        == "\u{1B}[3A\ra\u{1B}[K\n\u{1B}[2K\n\u{1B}[2K\n\u{1B}[2A")
    #expect(LiveBlock.redrawing(rows: 1, with: ["a", "b"], columns: 9).hasSuffix("b\u{1B}[K\n"))
    #expect(
      LiveBlock.redrawing(rows: 1, with: [], columns: 9) == "\u{1B}[1A\r\u{1B}[2K\n\u{1B}[1A")
  }

  @Test func noMoreLinesThanFit() {
    let lines = (1...30).map { "line \($0)" }
    #expect(
      LiveBlock.fitted(lines, rows: 5, columns: 80)
        == ["line 1", "line 2", "line 3", "  … and 27 more lines"])
    #expect(LiveBlock.fitted(lines, rows: 31, columns: 7).last == "line 3")
    #expect(LiveBlock.fitted(lines, rows: 1, columns: 80) == ["line 1"])
    #expect(LiveBlock.fitted(lines, rows: 2, columns: 80) == ["line 1"])
    #expect(LiveBlock.fitted(["日本語のフォルダ"], rows: 24, columns: 8) == ["日本語"])
  }
}
