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

  @Test(arguments: ["", "s", "s/a/b", "s//b/", "s/a/b/x", "s/[/b/", "x/a/b/", "s/a/b/c/d/"])
  func otherTextsAreRefused(text: String) {
    #expect(throws: InspectionError.self) { try NameSubstitution(text) }
  }
}
