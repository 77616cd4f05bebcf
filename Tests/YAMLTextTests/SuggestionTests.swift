import Testing

@testable import YAMLText

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("episode", "episodes"), ("epsiodes", "episodes"), ("Members", "members"),
    ("tensorbord", "tensorboard"),
  ])
  func aNearWordIsFound(word: String, meant: String) {
    let known = ["episodes", "members", "tensorboard", "init"]
    #expect(Suggestion.nearest(to: word, among: known) == meant)
  }

  @Test func aDistantWordIsNot() {
    #expect(Suggestion.nearest(to: "learning_rate", among: ["episodes", "members"]) == nil)
  }
}
