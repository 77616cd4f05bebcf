import Testing

@testable import Checkpoints

@Suite struct GlobTests {
  @Test(arguments: [
    ("*", "any.thing"), ("*.weight", "a.b.weight"), ("model.layers.?.*", "model.layers.3.w"),
    ("[ab]x", "bx"), ("[!ab]x", "cx"), ("[a-c]x", "bx"), ("[]]x", "]x"), ("a*b*c", "aXXbYYbc"),
    ("", ""), ("[", "["), ("layers.[0-9]*", "layers.12"), ("é?", "éü"), ("**", ""),
  ])
  func matches(pattern: String, name: String) { #expect(Glob(pattern).matches(name)) }

  @Test(arguments: [
    ("*.weight", "a.weight2"), ("?", ""), ("[ab]", "c"), ("[!ab]", "a"), ("a*b", "ac"), ("", "a"),
    ("abc", "ab"), ("ab", "abc"), ("[a", "a"),
  ])
  func doesNotMatch(pattern: String, name: String) { #expect(!Glob(pattern).matches(name)) }

  @Test func manyStarsTakeNoExponentialTime() {
    let pattern = String(repeating: "*a", count: 60) + "b"
    #expect(!Glob(pattern).matches(String(repeating: "a", count: 2000)))
  }
}
