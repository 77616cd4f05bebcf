import Testing

@testable import JSONText

@Suite struct JSONValueTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
  }

  @Test(arguments: [
    "null", "true", "[]", "{}", "-0.5e-3", "[1,[2,{\"a\":null}]]", "\"\\u0000 \\\" \\\\ é \\n\"",
    "{\"b\":1,\"a\":[true,false]}",
  ])
  func writesWhatItReads(text: String) throws {
    let value = try parse(text)
    #expect(try parse(value.text) == value)
    #expect(try parse(value.indentedText) == value)
  }

  @Test func keepsTheOrderOfKeysAndTheTextOfNumbers() throws {
    #expect(try parse("{\"z\": 1.50, \"a\": 2}").text == "{\"z\":1.50,\"a\":2}")
  }

  @Test func indentsByTwo() throws {
    #expect(
      try parse("{\"a\":[1,2],\"b\":{}}").indentedText
        == "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}\n")
  }

  @Test(arguments: [
    "", "{", "[1,]", "[1 2]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "nul", "NaN", "Infinity", "01",
    "1.",
    ".5", "+1", "-", "1e", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"a", "\"a\nb\"",
    "'a'", "1 2", "[] // no", "\u{FEFF}1", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
  ])
  func refusesWhatIsNotJSON(text: String) {
    #expect(throws: JSONError.self) { try parse(text) }
  }

  @Test func refusesBytesThatAreNotUTF8() {
    #expect(throws: JSONError(position: 1, reason: "text that is not UTF-8")) {
      try JSONValue(parsing: [0x22, 0xFF, 0x22])
    }
  }

  @Test func keysThatOnlyLookTheSameAreTwoKeys() throws {
    #expect(try parse("{\"\u{E9}\":1,\"e\u{301}\":2}").text.utf8.count > 10)
  }

  @Test func refusesDeepNesting() throws {
    _ = try parse(String(repeating: "[", count: 60) + String(repeating: "]", count: 60))
    for depth in [70, 100_000] {
      #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: depth)) }
    }
  }

  @Test func readsSurrogatePairs() throws {
    #expect(try parse("\"\\ud83d\\ude00\"").string == "😀")
  }

  @Test func writesNumbersThatReadBackTheSame() {
    #expect(JSONValue.float(0.1).text == "0.1")
    #expect(JSONValue.float(3).text == "3")
    #expect(JSONValue.float(.nan).text == "null")
    #expect(JSONValue.integer(-7).text == "-7")
  }

  @Test func escapesControlCharacters() {
    #expect(JSONValue.quoted("a\u{1}\t\"\\\u{1F}") == "\"a\\u0001\\t\\\"\\\\\\u001f\"")
  }
}
