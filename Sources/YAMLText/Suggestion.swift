/// Finds the word that was meant.
public enum Suggestion {
  /// The nearest of the known words; nil when none is near.
  public static func nearest(to word: String, among known: [String]) -> String? {
    let limit = max(1, word.count / 3)
    let ranked = known.map { (distance: distance(word, $0), word: $0) }
      .filter { $0.distance <= limit }
    return ranked.min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
  }

  /// `; did you mean 'episodes'?`, or nothing.
  public static func text(for word: String, among known: [String]) -> String {
    nearest(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
  }

  /// The number of letters to add, leave out, change, or exchange with the next one.
  static func distance(_ first: String, _ second: String) -> Int {
    let (left, right) = (Array(first.lowercased()), Array(second.lowercased()))
    var rows = [Array(0...right.count)]
    for (row, letter) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var best = min(current[column] + 1, rows[row][column + 1] + 1)
        best = min(best, rows[row][column] + (letter == other ? 0 : 1))
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          best = min(best, rows[row - 1][column - 1] + 1)
        }
        current.append(best)
      }
      rows.append(current)
    }
    return rows[left.count][right.count]
  }
}
