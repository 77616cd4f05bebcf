/// The numbers that the evaluations of a run printed, by name.
struct RecordedMetrics {
  /// A family of numbers: those of an object or a list.
  struct Family {
    let name: String
    /// The names within the family, in the order of their numbers.
    let members: [String]
  }

  /// All names, sorted so that `recall.10` follows `recall.9`.
  let names: [String]
  private let history: RunHistory
  private let last: Int

  init(_ history: RunHistory) {
    self.history = history
    last = history.lastComplete
    let all = history.episodes.values.flatMap { $0.metrics.flatMap(\.all.keys) }
    names = Set(all).sorted { RecordedMetrics.key($0) < RecordedMetrics.key($1) }
  }

  private struct Key: Comparable {
    let prefix: String
    let number: Int
    let name: String

    static func < (left: Key, right: Key) -> Bool {
      (left.prefix, left.number, left.name) < (right.prefix, right.number, right.name)
    }
  }

  private static func key(_ name: String) -> Key {
    let (prefix, rest) = split(name)
    return Key(prefix: prefix, number: Int(rest) ?? -1, name: name)
  }

  private static func split(_ name: String) -> (prefix: String, rest: String) {
    guard let dot = name.lastIndex(of: ".") else { return ("", name) }
    return (String(name[..<dot]), String(name[name.index(after: dot)...]))
  }

  /// Names with a common beginning, two at least.
  var families: [Family] {
    let groups = Dictionary(grouping: names) { RecordedMetrics.split($0).prefix }
    return groups.filter { !$0.key.isEmpty && $0.value.count > 1 }.sorted { $0.key < $1.key }
      .map { Family(name: $0.key, members: $0.value) }
  }

  /// Names of no family.
  var single: [String] {
    let inFamilies = Set(families.flatMap(\.members))
    return names.filter { !inFamilies.contains($0) }
  }

  /// The value of a name in an episode, of the average or else the moving average.
  func value(_ name: String, episode: Int) -> Double? {
    let metrics = history.episodes[episode]?.metrics ?? []
    let found = metrics.first { $0.subject == .average } ?? metrics.first { $0.subject == .ema }
    return found?.all[name]
  }

  /// The episodes in which something was measured, the start among them.
  var episodes: [Int] {
    guard last >= 0 else { return [] }
    return (0...last).filter { !(history.episodes[$0]?.metrics.isEmpty ?? true) }
  }

  /// A name's values over the episodes.
  func line(_ name: String) -> EpisodeChart.Line {
    EpisodeChart.Line(
      RecordedMetrics.split(name).rest, episodes.map { (Double($0), value(name, episode: $0)) })
  }
}
