import Testing

@testable import ToolSupport

@Suite struct ToolTests {
  @Test func messagesHaveNoControlCharacters() {
    #expect(
      Tool.printable("a\u{1B}[31mb\u{7}\tc\u{9B}") == "a\u{FFFD}[31mb\u{FFFD}\u{FFFD}c\u{FFFD}")
    #expect(Tool.printable("one\n  two é") == "one\n  two é")
    #expect(Tool.printable("w\nimwa-avg: wrote x") == "w\u{FFFD}imwa-avg: wrote x")
  }

  @Test func messagesHaveNoEndlessLines() {
    #expect(Tool.printable(String(repeating: "x", count: 1_000_000)).count == 1000)
  }
}
