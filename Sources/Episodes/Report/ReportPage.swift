import FileIO
import Plotting
import SystemPackage

/// A run as one HTML page that needs nothing else.
public struct ReportPage {
  private let status: RunStatus
  private let rows: [EpisodeRow]
  private let planText: String

  /// Reads what the page tells.
  ///
  /// - Throws: `FileError`.
  public init(_ status: RunStatus) throws {
    self.status = status
    rows = EpisodeRow.rows(of: status)
    planText = String(
      decoding: try SmallFile.read(RunFolder.plan(in: status.path)) ?? [], as: UTF8.self)
  }

  private var metric: String { status.plan.evaluate?.metric ?? "metric" }

  /// The page.
  public var html: String {
    let name = HTMLText.escaped(status.path.lastComponent?.string ?? status.path.string)
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(name): IMWA run</title>
      <style>
      \(ReportPage.style)
      </style>
      </head>
      <body>
      <header><h1>\(name)</h1><p>\(summary)</p></header>
      <section class="tiles">
      \(tiles)
      </section>
      <section class="charts">
      \(charts.filter { !$0.isEmpty }.map(\.html).joined(separator: "\n"))
      </section>
      <h2>Episodes</h2>
      <div class="scroll">
      \(table)
      </div>
      \(failures)
      <h2>Plan</h2>
      \(settings)<pre>\(HTMLText.escaped(planText))</pre>
      </body>
      </html>

      """
  }

  private var summary: String {
    let plan = status.plan
    let members = plan.members == 1 ? "1 member" : "\(plan.members) members"
    return "\(members), \(plan.episodes) episodes, \(plan.iterations) iterations each; started "
      + "\(WallClock.text(status.history.startTime)) UTC"
  }

  private var tiles: String {
    var tiles: [(String, String)] = [
      ("state", status.state.rawValue),
      ("episodes", "\(max(0, status.history.lastComplete)) of \(status.plan.episodes)"),
    ]
    if let last = status.lastMetric {
      tiles.append(("\(metric), \(last.subject.name)", NumberText.short(last.value)))
    }
    if let best = status.bestMetric {
      tiles.append(("best \(metric), episode \(best.episode)", NumberText.short(best.value)))
    }
    if let distance = rows.last?.distances?.amongMembers {
      tiles.append(("L2 between members", NumberText.short(distance)))
    }
    tiles.append(
      ("time", TimeText.duration(status.history.lastTime - status.history.startTime)))
    if status.history.failureCount > 0 {
      tiles.append(("failed attempts", String(status.history.failureCount)))
    }
    return tiles.map { name, value in
      "<div><b>\(HTMLText.escaped(value))</b><span>\(HTMLText.escaped(name))</span></div>"
    }.joined(separator: "\n")
  }

  private var charts: [EpisodeChart] {
    let episodes = rows.map(\.episode)
    var metrics = EpisodeChart(
      title: "\(metric) per episode", episodes: episodes,
      lines: [
        EpisodeChart.Line(
          name: "average", values: rows.map { $0.metrics[.average] }, look: "a")
      ], includesZero: false)
    if rows.contains(where: { $0.metrics[.ema] != nil }) {
      metrics.lines.append(
        EpisodeChart.Line(name: "moving average", values: rows.map { $0.metrics[.ema] }, look: "b"))
    }
    if rows.contains(where: { !$0.members.isEmpty }) {
      metrics.band = EpisodeChart.Band(
        name: "members, from worst to best", low: rows.map { $0.members.min() },
        high: rows.map { $0.members.max() })
    }
    let distances = EpisodeChart(
      title: "L2 distance per episode", episodes: episodes,
      lines: [
        EpisodeChart.Line(
          name: "between members", values: rows.map { $0.distances?.amongMembers }, look: "a"),
        EpisodeChart.Line(
          name: "members to the episode's start",
          values: rows.map { $0.distances?.fromEpisodeStart }, look: "b"),
        EpisodeChart.Line(
          name: "average to the run's start", values: rows.map { $0.distances?.fromRunStart },
          look: "c"),
      ])
    let losses = EpisodeChart(
      title: "last loss, mean of the members", episodes: episodes,
      lines: [EpisodeChart.Line(name: "loss", values: rows.map(\.loss), look: "a")])
    let times = EpisodeChart(
      title: "seconds per episode", episodes: episodes,
      lines: [
        EpisodeChart.Line(name: "all", values: rows.map(\.total), look: "c"),
        EpisodeChart.Line(
          name: "training (longest member)", values: rows.map(\.longestTraining), look: "a"),
        EpisodeChart.Line(name: "averaging", values: rows.map(\.averaging), look: "b"),
      ])
    return rows.isEmpty ? [] : [metrics, distances, losses, times]
  }

  private var table: String {
    let names = [
      "episode", "iterations", "\(metric), average", "moving average", "members worst",
      "mean", "best", "loss", "L2 members", "L2 episode start", "L2 run start", "s training",
      "s averaging", "s all", "failed",
    ]
    let known = names.indices.filter { column in
      rows.contains { row in row.cells[column].value.map { column < 14 || $0 > 0 } ?? false }
    }
    let head = known.map { "<th>\(HTMLText.escaped(names[$0]))</th>" }.joined()
    let lines = rows.map { row in
      let cells = row.cells
      return "<tr>"
        + known.map { "<td>\(cells[$0].value.map { NumberText.short($0) } ?? "")</td>" }.joined()
        + "</tr>"
    }
    return "<table>\n<thead><tr>\(head)</tr></thead>\n<tbody>\n\(lines.joined(separator: "\n"))\n"
      + "</tbody>\n</table>"
  }

  /// Why attempts failed: the last reason of each task.
  private var failures: String {
    let all = status.history.episodes.sorted { $0.key < $1.key }.flatMap { number, episode in
      episode.tasks.sorted { $0.key < $1.key }.compactMap { name, task -> String? in
        guard let reason = task.lastFailure, let found = RunTask(episode: number, name: name) else {
          return nil
        }
        return "<li><b>\(HTMLText.escaped(found.text))</b>: \(HTMLText.escaped(reason))</li>"
      }
    }
    if all.isEmpty { return "" }
    let more = all.count > 100 ? "<p>and \(all.count - 100) more</p>" : ""
    return "<h2>Attempts that did not count</h2>\n<ul>\n"
      + all.prefix(100).joined(separator: "\n") + "\n</ul>\(more)"
  }

  private var settings: String {
    let all = (status.history.start?.settings ?? []) + status.history.laterSettings
    if all.isEmpty { return "" }
    return "<p>With " + all.map { "<code>\(HTMLText.escaped($0))</code>" }.joined(separator: ", ")
      + ".</p>\n"
  }

  private static let style = """
    :root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --page: #ffffff;
      --card: #f6f8fa; --a: #0072b2; --b: #d55e00; --c: #009e73; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --line: #30363d;
      --page: #0d1117; --card: #161b22; --a: #56b4e9; --b: #f0883e; --c: #3fb68b; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 1200px; padding: 1.5rem 1rem 3rem; background: var(--page);
      color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
    h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; } h2 { margin: 2rem 0 .6rem; font-size: 1.2rem; }
    header p { margin: .2rem 0 1rem; color: var(--soft); }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem; }
    .tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem; }
    .tiles b { display: block; font-size: 1.25rem; } .tiles span { color: var(--soft); font-size: .85rem; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr));
      gap: 1rem; margin-top: 1rem; }
    figure { margin: 0; padding: .8rem; border: 1px solid var(--line); border-radius: 8px; min-width: 0; }
    figcaption { font-weight: 600; } svg { display: block; width: 100%; height: auto; }
    svg text { fill: var(--soft); font-size: 13px; } svg .grid { stroke: var(--line); stroke-width: 1; }
    polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
    polyline.a { stroke: var(--a); } polyline.b { stroke: var(--b); stroke-dasharray: 7 3; }
    polyline.c { stroke: var(--c); stroke-dasharray: 2 3; }
    circle.a { fill: var(--a); } circle.b { fill: var(--b); } circle.c { fill: var(--c); }
    polygon.band { fill: var(--a); opacity: .18; }
    .legend { margin: .3rem 0 0; font-size: .85rem; color: var(--soft); }
    .legend > span { display: inline-block; margin-right: 1em; }
    .key { display: inline-block; width: 2em; height: .4em; margin: 0 .4em .2em 0; vertical-align: middle; }
    .key.band { background: var(--a); opacity: .3; height: .8em; }
    .scroll { overflow: auto; max-height: 34rem; border: 1px solid var(--line); border-radius: 8px; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
    th { position: sticky; top: 0; background: var(--card); font-weight: 600; }
    th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
    pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem;
      overflow: auto; font-size: .85rem; }
    @media (max-width: 40rem) { svg text { font-size: 17px; } }
    li { overflow-wrap: anywhere; }
    """
}
