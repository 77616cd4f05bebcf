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
  /// How long evaluation took.
  let evaluation: Double?
  /// How long the episode took from its first attempt to its average and its evaluation.
  let total: Double?
  /// All that was recorded, by subject and name.
  let recorded: [JournalEvent.Metric]
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

  /// The rows of the start, when it was measured, and of the episodes that are averaged.
  static func rows(of status: RunStatus) -> [EpisodeRow] {
    let first = status.history.episodes[0]?.metrics.isEmpty ?? true ? 1 : 0
    guard status.history.lastComplete >= first else { return [] }
    return (first...status.history.lastComplete).map { EpisodeRow($0, status) }
  }

  private init(_ episode: Int, _ status: RunStatus) {
    let record = status.history.episodes[episode] ?? RunHistory.Episode()
    let members = (1...status.plan.members).compactMap { record.tasks["member-\($0)"] }
    self.episode = episode
    iterations = status.plan.iterations(before: episode + 1)
    metrics = Dictionary(
      record.metrics.compactMap { metric in
        metric.all[status.plan.evaluate?.metric ?? ""].map { (metric.subject, $0) }
      }, uniquingKeysWith: { _, last in last })
    losses = members.compactMap(\.loss)
    training = members.compactMap(\.seconds)
    averaging = episode == 0 ? nil : record.average?.seconds
    let evaluation = record.evaluationSeconds
    self.evaluation = evaluation
    total =
      episode == 0
      ? nil : record.ended.flatMap { ended in record.began.map { ended - $0 + (evaluation ?? 0) } }
    recorded = record.metrics
    distances = record.average?.distances
    failures = record.tasks.values.reduce(0) { sum, task in
      sum + (task.winner.map { $0 - 1 } ?? task.lastAttempt)
    }
  }

  /// The names of `cells`.
  static let names = [
    "episode", "iterations", "metric_average", "metric_ema", "metric_members_min",
    "metric_members_mean", "metric_members_max", "loss", "l2_members", "l2_episode_start",
    "l2_run_start", "seconds_training", "seconds_averaging", "seconds_evaluation", "seconds_total",
    "failed_attempts",
  ]

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
      ("seconds_evaluation", evaluation),
      ("seconds_total", total),
      ("failed_attempts", Double(failures)),
    ]
  }
}

/// The episodes of a run for programs.
public struct EpisodeTable: Sendable {
  let rows: [EpisodeRow]

  /// The start, when it was measured, and the episodes that are averaged.
  public init(_ status: RunStatus) { rows = EpisodeRow.rows(of: status) }

  /// Comma-separated values with a line of names; what is not known is empty.
  ///
  /// Behind the columns that every run has, there is one for each number that was recorded: `average.accuracy`.
  public var csv: String {
    let recorded = rows.map(EpisodeTable.recorded)
    let more = Set(recorded.flatMap(\.keys)).sorted()
    let names = EpisodeRow.names + more
    let lines = zip(rows, recorded).map { row, recorded in
      (row.cells.map(\.value) + more.map { recorded[$0] }).map { value in
        if case .number(let text)? = value.map({ JSONValue.float($0) }) { text } else { "" }
      }.joined(separator: ",")
    }
    let head = names.map(EpisodeTable.quoted).joined(separator: ",")
    return ([head] + lines).map { $0 + "\n" }.joined()
  }

  /// A list of objects, whose `recorded` has all numbers by subject and name.
  public var json: JSONValue {
    .array(
      rows.map { row in
        let cells = row.cells.map { cell in
          JSONValue.Member(cell.name, cell.value.map { .float($0) } ?? .null)
        }
        let recorded = row.recorded.map { metric in
          JSONValue.Member(
            metric.subject.name,
            .object(
              metric.all.sorted { $0.key < $1.key }
                .map { JSONValue.Member($0.key, .float($0.value)) }))
        }
        return .object(cells + [JSONValue.Member("recorded", .object(recorded))])
      })
  }

  private static func recorded(_ row: EpisodeRow) -> [String: Double] {
    var result: [String: Double] = [:]
    for metric in row.recorded {
      for (name, value) in metric.all { result["\(metric.subject.name).\(name)"] = value }
    }
    return result
  }

  /// A name may hold what has a meaning in a line.
  private static func quoted(_ name: String) -> String {
    guard name.contains(where: { ",\"\n\r".contains($0) }) else { return name }
    return "\"" + name.replacing("\"", with: "\"\"") + "\""
  }
}
