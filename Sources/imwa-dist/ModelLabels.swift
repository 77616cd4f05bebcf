/// Short names that tell models apart: paths without what all have in common at either end.
enum ModelLabels {
  /// `runs/a/model.safetensors` and `runs/b/model.safetensors` are `a` and `b`.
  static func distinguishing(_ paths: [String]) -> [String] {
    let components = paths.map { $0.split(separator: "/").map(String.init) }
    guard paths.count > 1, let shortest = components.map(\.count).min() else { return paths }
    let isCommon = { (component: ([String]) -> String) in
      components.allSatisfy { component($0) == component(components[0]) }
    }
    var front = 0
    while front < shortest - 1, isCommon({ $0[front] }) { front += 1 }
    var back = 0
    while back < shortest - 1 - front, isCommon({ $0[$0.count - 1 - back] }) { back += 1 }
    return withoutCommonEnds(
      components.map { $0.dropFirst(front).dropLast(back).joined(separator: "/") })
  }

  /// `cnn_s1.safetensors` and `cnn_s2.safetensors` are `s1` and `s2`: words that all have at either end go.
  private static func withoutCommonEnds(_ labels: [String]) -> [String] {
    let words = labels.map { self.words(of: $0) }
    guard let shortest = words.map(\.count).min() else { return labels }
    var front = 0
    while front < shortest - 1, words.allSatisfy({ $0[front] == words[0][front] }) { front += 1 }
    var back = 0
    while back < shortest - 1 - front,
      words.allSatisfy({ $0[$0.count - 1 - back] == words[0][words[0].count - 1 - back] })
    {
      back += 1
    }
    // A number alone says too little: `seed=0` keeps its word.
    let startsWithNumber = words.contains { words in
      words[front].first { isWord($0) }?.isNumber ?? false
    }
    if startsWithNumber && front > 0 { front -= 1 }
    return words.map { words in
      let text = words.dropFirst(front).dropLast(back).joined()
      return String(text.drop { !isWord($0) }.reversed().drop { !isWord($0) }.reversed())
    }
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber
  }

  /// `lr=0.01_s1` has the words `lr`, `=0`, `.01` and `_s1`.
  private static func words(of text: String) -> [String] {
    var words: [String] = []
    for character in text {
      if isWord(character), let last = words.last, !last.isEmpty {
        words[words.count - 1] = last + String(character)
      } else {
        words.append(String(character))
      }
    }
    return words
  }
}
