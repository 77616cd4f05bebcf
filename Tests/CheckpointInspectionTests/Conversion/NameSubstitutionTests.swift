import Testing

@testable import CheckpointInspection

@Suite struct NameSubstitutionTests {
  @Test(arguments: [
    ("s/a/b/", "banana", "bbnana"), ("s/a/b/g", "banana", "bbnbnb"),
    ("s|a/b|c|", "x/a/b", "x/c"), ("s/A/<&>/gi", "aA", "<a><A>"),
    ("s/^(.*)\\.(.*)$/\\2.\\1/", "a.b.c", "c.a.b"), ("s/x*/-/g", "axb", "-a-b-"),
    ("s/^a//g", "aab", "ab"), ("s/\\//./g", "a/b/c", "a.b.c"), ("s/b$//", "abb", "ab"),
    ("s/(x)|(y)/[\\1\\2]/g", "xy", "[x][y]"), ("s/é/e/", "né", "ne"), ("s/a/\\&/", "a", "&"),
  ])
  func namesChangeAsBySed(text: String, name: String, expected: String) throws {
    #expect(try NameSubstitution(text).applied(to: name) == expected)
  }

  @Test(arguments: [
    ("s/a/\\1/", "refers to \\1, but its pattern has no group"),
    ("s/(a)/\\2/", "refers to \\2, but its pattern has one group"),
    ("s/(a)(b)/\\1\\9/", "refers to \\9, but its pattern has 2 groups"),
    ("s/\\(a\\)/\\1/", "refers to \\1"),
  ])
  func referencesToGroupsThatAreNotThereAreRefused(text: String, reason: String) {
    let error = #expect(throws: InspectionError.self) { try NameSubstitution(text) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    #expect(error?.kind == .usage)
  }

  @Test(arguments: ["", "s", "s/a/b", "s//b/", "s/a/b/x", "s/[/b/", "x/a/b/", "s/a/b/c/d/"])
  func otherTextsAreRefused(text: String) {
    #expect(throws: InspectionError.self) { try NameSubstitution(text) }
  }
}
