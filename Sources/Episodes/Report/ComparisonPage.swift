import FileIO
import Plotting
import SystemPackage
import YAMLText

/// Several runs next to each other as one HTML page: their metrics, losses and distances over the iterations of
/// each member, and what differs in their plans.
public struct ComparisonPage {
  private let runs: [(name: String, status: RunStatus, rows: [EpisodeRow])]

  /// Compares runs.
  public init(_ statuses: [RunStatus]) {
    let names = ComparisonPage.names(statuses.map(\.path))
    runs = zip(names, statuses).map { ($0, $1, EpisodeRow.rows(of: $1)) }
  }

  /// The last components of the paths, as many as tell them apart.
  static func names(_ paths: [FilePath]) -> [String] {
    let parts = paths.map { $0.components.map(\.string) }
    let longest = parts.map(\.count).max() ?? 0
    for count in 1...max(1, longest) {
      let names = parts.map { $0.suffix(count).joined(separator: "/") }
      if Set(names).count == names.count { return names }
    }
    return paths.map(\.string)
  }

  /// The page.
  public var html: String {
    let parts = [
      "<header><h1>\(runs.count) runs</h1></header>", table,
      "<section class=\"charts\">\n"
        + charts.filter { !$0.isEmpty }.map(\.html).joined(separator: "\n") + "\n</section>",
      differences, results,
    ]
    return ReportStyle.page(
      title: "\(runs.count) IMWA runs", parts.filter { !$0.isEmpty }.joined(separator: "\n"))
  }

  private var table: String {
    ReportStyle.table(
      "Runs",
      head: [
        "run", "state", "episodes", "members", "iterations", "metric", "start", "last", "best",
        "best episode", "loss", "time",
      ],
      rows: runs.map { name, status, rows in
        let metrics = status.metrics
        let readings = [metrics.start?.value, metrics.last?.value, metrics.best?.value]
        var texts = [name, status.state.rawValue]
        texts.append("\(max(0, status.history.lastComplete)) of \(status.plan.episodes)")
        texts += [String(status.plan.members), String(status.plan.iterations)]
        texts.append(status.plan.evaluate?.metric ?? "")
        texts += readings.map(ComparisonPage.text)
        texts.append(metrics.best.map { String($0.episode) } ?? "")
        texts.append(ComparisonPage.text(rows.last?.loss))
        texts.append(TimeText.duration(status.history.lastTime - status.history.startTime))
        return texts.map(MarkupText.escaped)
      })
  }

  private static func text(_ value: Double?) -> String {
    value.map { NumberText.short($0) } ?? ""
  }

  /// Where the results are.
  private var results: String {
    "<h2>Results</h2>\n<dl>"
      + runs.map { name, status, _ in
        let folder = RunFolder(status.path, episodes: status.plan.episodes)
        let result = status.state == .completed ? folder.final(suffix: status.plan.suffix) : nil
        return "<dt>\(MarkupText.escaped(name))</dt>"
          + "<dd>\(MarkupText.escaped(result?.string ?? "\(status.path): not complete"))</dd>"
      }.joined(separator: "\n") + "</dl>"
  }

  private var charts: [EpisodeChart] {
    let metrics = Set(runs.compactMap { $0.status.plan.evaluate?.metric }).sorted()
    func chart(
      _ title: String, _ scale: Scale.Kind, _ value: (EpisodeRow, Plan) -> Double?
    ) -> EpisodeChart {
      EpisodeChart(
        title: title, xTitle: "iteration",
        lines: runs.map { name, status, rows in
          EpisodeChart.Line(name, rows.map { (Double($0.iterations), value($0, status.plan)) })
        }, scale: scale)
    }
    // Runs with other metrics have charts of their own.
    return metrics.map { name in
      chart("\(name) of the result", .linear) { row, plan in
        guard plan.evaluate?.metric == name else { return nil }
        return plan.ema == .off ? row.metrics[.average] : row.metrics[.ema] ?? row.metrics[.average]
      }
    } + [
      chart("last loss, mean of the members", .automatic) { row, _ in row.loss },
      chart("L2 distance between members", .automatic) { row, _ in row.distances?.amongMembers },
      chart("L2 distance to the run's start", .automatic) { row, _ in row.distances?.fromRunStart },
      chart("seconds per episode", .fromZero) { row, _ in row.total },
    ]
  }

  /// The keys whose values are not the same in all plans.
  private var differences: String {
    let values = runs.map { PlanValues($0.status) }
    let keys = Set(values.flatMap(\.values.keys)).sorted()
    let different = keys.filter { key in Set(values.map { $0.values[key] }).count > 1 }
    if different.isEmpty { return "" }
    return "<h2>What differs in the plans</h2>\n"
      + ReportStyle.table(
        "What differs in the plans",
        head: ["key"] + runs.map { MarkupText.escaped($0.name) },
        rows: different.map { key in
          [MarkupText.escaped(key)] + values.map { MarkupText.escaped($0.values[key] ?? "") }
        })
  }
}

/// The keys of a run's plan, and their values as texts.
private struct PlanValues {
  private(set) var values: [String: String] = [:]

  init(_ status: RunStatus) {
    let bytes = (try? SmallFile.read(RunFolder.plan(in: status.path))) ?? []
    if let root = try? YAMLNode(parsing: bytes) { add(root, "") }
    for text in (status.history.start?.settings ?? []) + status.history.laterSettings {
      guard let setting = Plan.Setting(text) else { continue }
      values = values.filter { $0.key != setting.key && !$0.key.hasPrefix(setting.key + ".") }
      values[setting.key] = setting.value
    }
  }

  private mutating func add(_ node: YAMLNode, _ key: String) {
    if let entries = node.entries {
      for entry in entries { add(entry.value, key.isEmpty ? entry.key : "\(key).\(entry.key)") }
    } else {
      values[key] = PlanValues.text(node)
    }
  }

  private static func text(_ node: YAMLNode) -> String {
    if let text = node.text { return text }
    if let elements = node.elements { return elements.map(text).joined(separator: " ") }
    return (node.entries ?? []).map { "\($0.key): \(text($0.value))" }.joined(separator: ", ")
  }
}
