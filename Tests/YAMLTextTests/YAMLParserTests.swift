import Testing
import YAMLText

@Suite struct YAMLParserTests {
  private func parse(_ text: String) throws -> YAMLNode { try YAMLNode(parsing: Array(text.utf8)) }

  @Test func valuesAndPlaces() throws {
    let node = try parse("episodes: 20\ntrain: [python3, \"{init}\"]\nema:\n  checkpoints: 0.9\n")
    #expect(node["episodes"]?.integer == 20)
    #expect(node["train"]?.elements?.compactMap(\.text) == ["python3", "{init}"])
    #expect(node["train"]?.elements?[1].place == YAMLNode.Place(line: 2, column: 18))
    #expect(node["ema"]?["checkpoints"]?.number == 0.9)
    #expect(node["ema"]?.entries?[0].place == YAMLNode.Place(line: 4, column: 3))
  }

  @Test func quotedNumbersAreTexts() throws {
    let node = try parse("a: '1'\nb: true\nc: 1_000\nd: 1e-3\ne: ~\nf: nan\n")
    #expect(node["a"]?.integer == nil)
    #expect(node["a"]?.text == "1")
    #expect(node["b"]?.boolean == true)
    #expect(node["c"]?.integer == 1000)
    #expect(node["d"]?.number == 0.001)
    #expect(node["e"]?.isNull == true)
    #expect(node["f"]?.number == nil)
  }

  @Test func aliasesStandForWhatTheyName() throws {
    let node = try parse("a: &x [1, 2]\nb: *x\n")
    #expect(node["b"]?.elements?.compactMap(\.integer) == [1, 2])
  }

  @Test(arguments: [
    ("a: 1\na: 2\n", "2:1: the key 'a' is there for the second time"),
    ("a: [1, 2\nb: 3\n", "2:2: did not find expected ',' or ']'"),
    (
      "a: !!python/object:os.system x\n", "1:4: the tag 'tag:yaml.org,2002:python/object:os.system'"
    ),
    ("a: *missing\n", "1:4: no value before is named &missing"),
    ("a: 1\n---\nb: 2\n", "2:1: a second document starts here"),
    ("? [1]\n: 2\n", "1:3: a key must be a word"),
  ])
  func whatIsWrongHasAPlace(text: String, message: String) {
    #expect {
      try parse(text)
    } throws: { error in
      "\(error)".hasPrefix(message)
    }
  }

  @Test func aliasesOfAliasesDoNotFillTheMemory() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<12 {
      let before = "*a\(level - 1)"
      text +=
        "a\(level): &a\(level) [\(Array(repeating: before, count: 10).joined(separator: ", "))]\n"
    }
    #expect(throws: YAMLError.self) { try parse(text) }
  }

  @Test func deepNestingIsRefused() {
    let text = String(repeating: "[", count: 5000)
    #expect {
      try parse(text)
    } throws: { error in
      "\(error)".contains("too deep")
    }
  }

  @Test func anEmptyTextIsNull() throws {
    #expect(try parse("").isNull)
    #expect(try parse("# only a comment\n").isNull)
  }

  @Test func bytesThatAreNoTextAreRefused() {
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: [0x61, 0x3A, 0x20, 0xFF, 0xFE]) }
  }

  @Test func aByteOrderMarkIsPassedOver() throws {
    #expect(try YAMLNode(parsing: [0xEF, 0xBB, 0xBF] + Array("a: 1\n".utf8))["a"]?.integer == 1)
  }

  @Test(arguments: [
    ([UInt8]("a: 1\nb: ä".utf8) + [0xE9, 0x0A], "2:5: there is a byte here that is not UTF-8"),
    (Array("a: 1\nb:\u{0}".utf8), "2:3: there is a zero byte here"),
    (Array("a: 1\nb:\n\tc: 2\n".utf8), "3:1: there is a tab here"),
  ])
  func whatCannotBeReadHasAPlace(bytes: [UInt8], message: String) {
    #expect {
      _ = try YAMLNode(parsing: bytes)
    } throws: { error in
      "\(error)".hasPrefix(message)
    }
  }
}
