import Testing

@testable import JSONText

@Suite struct JSONScannerTests {
  private func number(_ text: String) throws -> Int {
    var scanner = try JSONScanner(Array(text.utf8))
    let value = try scanner.naturalNumber()
    try scanner.expectEnd()
    return value
  }

  @Test func readsExactIntegers() throws {
    #expect(try number("0") == 0)
    #expect(try number(" 9007199254740993 ") == 9_007_199_254_740_993)
    #expect(try number("9223372036854775807") == Int.max)
  }

  @Test(arguments: [
    "-1", "-0", "+1", "01", "1.0", "1e3", "9223372036854775808", "18446744073709551616", "",
    "99999999999999999999999999999999999", "\"1\"", "1_000", "0x10",
  ])
  func refusesOtherNumbers(text: String) {
    #expect(throws: JSONError.self) { try number(text) }
  }

  @Test func expectedKeysMayBeSpelledInOtherWays() throws {
    let keys = ["dtype", "shape"].map { ExpectedKey($0) }
    for text in [
      "{\"dtype\":1,\"shape\":2}", "{ \"shape\" : 2 , \"dtype\" : 1 }",
      "{\"\\u0064type\":1,\"shape\":2}",
    ] {
      var scanner = try JSONScanner(Array(text.utf8))
      try scanner.expect("{")
      var isFirst = true
      var found: [String: Int] = [:]
      while let key = try scanner.nextKey(&isFirst, among: keys) {
        found[key] = try scanner.naturalNumber()
      }
      #expect(found == ["dtype": 1, "shape": 2], "\(text)")
      try scanner.expectEnd()
    }
  }

  @Test(arguments: [
    "{,\"dtype\":1}", "{\"dtype\":1\"shape\":2}", "{\"dtype\":1,}", "{\"dtype\":1,,}",
  ])
  func expectedKeysNeedTheirCommas(text: String) throws {
    let keys = ["dtype", "shape"].map { ExpectedKey($0) }
    #expect(throws: JSONError.self) {
      var scanner = try JSONScanner(Array(text.utf8))
      try scanner.expect("{")
      var isFirst = true
      while try scanner.nextKey(&isFirst, among: keys) != nil { _ = try scanner.naturalNumber() }
    }
  }

  @Test func errorsTellThePlace() {
    #expect(throws: JSONError(position: 4, reason: "a number that is too large")) {
      var scanner = try JSONScanner(Array("    99999999999999999999".utf8))
      _ = try scanner.naturalNumber()
    }
  }
}
