public import JSONText
import Plotting

/// What is told of an episode: a line of the report's table.
struct EpisodeRow: Sendable {
  let episode: Int
  /// The iterations of each member up to its end.
  let iterations: Int
  /// The metric by subject.
  let metrics: [RunTask.Subject: Double]
  /// The last losses of the members.
  let losses: [Double]
  /// How long the members trained, and the longest of them.
  let training: [Double]
  /// How long averaging took.
  let averaging: Double?
  /// How long the episode took from its first attempt to its average.
  let total: Double?
  let distances: JournalEvent.Distances?
  /// How many attempts did not count.
  let failures: Int

  var members: [Double] {
    metrics.compactMap { subject, value in
      if case .member = subject { value } else { nil }
    }
  }
  var loss: Double? { losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count) }
  var longestTraining: Double? { training.max() }

  /// The rows of the episodes that are averaged.
  static func rows(of status: RunStatus) -> [EpisodeRow] {
    guard status.history.lastComplete > 0 else { return [] }
    return (1...status.history.lastComplete).map { EpisodeRow($0, status) }
  }

  private init(_ episode: Int, _ status: RunStatus) {
    let record = status.history.episodes[episode] ?? RunHistory.Episode()
    let members = (1...status.plan.members).compactMap { record.tasks["member-\($0)"] }
    self.episode = episode
    iterations = status.plan.iterations(before: episode + 1)
    metrics = Dictionary(
      record.metrics.map { ($0.subject, $0.value) }, uniquingKeysWith: { _, last in last })
    losses = members.compactMap(\.loss)
    training = members.compactMap(\.seconds)
    averaging = record.average?.seconds
    total = record.ended.flatMap { ended in record.began.map { ended - $0 } }
    distances = record.average?.distances
    failures = record.tasks.values.reduce(0) { sum, task in
      sum + (task.winner.map { $0 - 1 } ?? task.lastAttempt)
    }
  }

  /// The numbers with their names; nil for what is not known.
  var cells: [(name: String, value: Double?)] {
    let members = members
    return [
      ("episode", Double(episode)),
      ("iterations", Double(iterations)),
      ("metric_average", metrics[.average]),
      ("metric_ema", metrics[.ema]),
      ("metric_members_min", members.min()),
      ("metric_members_mean", members.isEmpty ? nil : members.reduce(0, +) / Double(members.count)),
      ("metric_members_max", members.max()),
      ("loss", loss),
      ("l2_members", distances?.amongMembers),
      ("l2_episode_start", distances?.fromEpisodeStart),
      ("l2_run_start", distances?.fromRunStart),
      ("seconds_training", longestTraining),
      ("seconds_averaging", averaging),
      ("seconds_total", total),
      ("failed_attempts", Double(failures)),
    ]
  }
}

/// The episodes of a run for programs.
public struct EpisodeTable: Sendable {
  let rows: [EpisodeRow]

  /// The episodes that are averaged.
  public init(_ status: RunStatus) { rows = EpisodeRow.rows(of: status) }

  /// Comma-separated values with a line of names; what is not known is empty.
  public var csv: String {
    let names = [
      "episode", "iterations", "metric_average", "metric_ema", "metric_members_min",
      "metric_members_mean", "metric_members_max", "loss", "l2_members", "l2_episode_start",
      "l2_run_start", "seconds_training", "seconds_averaging", "seconds_total", "failed_attempts",
    ]
    let lines = rows.map { row in
      row.cells.map { cell in
        if case .number(let text)? = cell.value.map({ JSONValue.float($0) }) { text } else { "" }
      }.joined(separator: ",")
    }
    return ([names.joined(separator: ",")] + lines).map { $0 + "\n" }.joined()
  }

  /// A list of objects.
  public var json: JSONValue {
    .array(
      rows.map { row in
        .object(
          row.cells.map { JSONValue.Member($0.name, $0.value.map { .float($0) } ?? .null) })
      })
  }
}
