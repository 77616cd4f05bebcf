/// A pattern for names: `*` is any text, `?` any character, `[a-z]` one of a set, `[!a-z]` or
/// `[^a-z]` none of it.
public struct Glob: Sendable, Hashable {
  /// The pattern as it was written.
  public let pattern: String

  private let characters: [Character]

  /// Takes a pattern; every text is one.
  public init(_ pattern: String) {
    self.pattern = pattern
    characters = Array(pattern)
  }

  /// Whether a text contains characters that make it a pattern.
  public static func isPattern(_ text: String) -> Bool {
    text.contains { $0 == "*" || $0 == "?" || $0 == "[" }
  }

  /// Whether all of `name` fits.
  public func matches(_ name: String) -> Bool {
    let name = Array(name)
    var (place, position) = (0, 0)
    var retry: (place: Int, position: Int)?
    while position < name.count {
      if place < characters.count, characters[place] == "*" {
        retry = (place, position)
        place += 1
      } else if let next = step(at: place, over: name[position]) {
        place = next
        position += 1
      } else if let (star, start) = retry {
        // The last star takes one character more.
        retry = (star, start + 1)
        (place, position) = (star + 1, start + 1)
      } else {
        return false
      }
    }
    return characters[place...].allSatisfy { $0 == "*" }
  }

  /// The place behind the element at `place` when it fits one character; nil when it does not.
  private func step(at place: Int, over character: Character) -> Int? {
    guard place < characters.count else { return nil }
    switch characters[place] {
    case "?": return place + 1
    case "[":
      guard let (set, end) = set(at: place) else { return character == "[" ? place + 1 : nil }
      return set.contains(character) ? end : nil
    default: return characters[place] == character ? place + 1 : nil
    }
  }

  private func set(at place: Int) -> (CharacterSet, end: Int)? {
    var index = place + 1
    let isNegated = index < characters.count && ["!", "^"].contains(characters[index])
    if isNegated { index += 1 }
    let start = index
    // A bracket at the start of a set is a member of it.
    while index < characters.count, characters[index] != "]" || index == start { index += 1 }
    guard index < characters.count else { return nil }
    return (CharacterSet(members: characters[start..<index], isNegated: isNegated), index + 1)
  }

  private struct CharacterSet {
    let members: ArraySlice<Character>
    let isNegated: Bool

    func contains(_ character: Character) -> Bool {
      var index = members.startIndex
      while index < members.endIndex {
        if index + 2 < members.endIndex, members[index + 1] == "-" {
          let (low, high) = (members[index], members[index + 2])
          if low <= character && character <= high { return !isNegated }
          index += 3
        } else {
          if members[index] == character { return !isNegated }
          index += 1
        }
      }
      return isNegated
    }
  }
}
