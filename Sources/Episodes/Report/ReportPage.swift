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
  private var name: String { status.path.lastComponent?.string ?? status.path.string }

  /// The page.
  public var html: String {
    let name = MarkupText.escaped(name)
    let charts = RunCharts(status, rows).html
    let parts = [
      "<header><h1>\(name)</h1><p>\(summary)</p></header>",
      "<section class=\"tiles\">\n\(tiles)\n</section>",
      reason,
      charts.isEmpty
        ? "" : "<section class=\"charts\">\n\(charts.joined(separator: "\n"))\n</section>",
      rows.isEmpty ? "" : "<h2>Episodes</h2>\n\(table)",
      metricTable, failures,
      "<h2>Run</h2>\n\(facts)",
      "<h2>Plan</h2>\n\(settings)<pre>\(MarkupText.escaped(planText))</pre>",
    ]
    return ReportStyle.page(
      title: "\(name): IMWA run",
      parts.filter { !$0.isEmpty }.joined(separator: "\n"))
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
    let metrics = status.metrics
    if let start = metrics.start {
      tiles.append(("\(metric) at the start", NumberText.short(start.value)))
    }
    if let last = metrics.last {
      tiles.append(("\(metric), \(last.subject.name)", NumberText.short(last.value)))
    }
    if let best = metrics.best {
      tiles.append(
        (
          "best \(metric), \(best.subject.name) of episode \(best.episode)",
          NumberText.short(best.value)
        ))
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
      "<div><b>\(MarkupText.escaped(value))</b><span>\(MarkupText.escaped(name))</span></div>"
    }.joined(separator: "\n")
  }

  /// Why a run stands, or ended early.
  private var reason: String {
    let text: String
    if case .stopped(let reason) = status.history.phase, status.state == .stopped {
      text = "Stopped: " + reason
    } else if let reason = status.history.endReason {
      text = "Ended early: " + reason
    } else {
      return ""
    }
    let lines = text.split(separator: "\n", maxSplits: 1)
    let more = lines.count > 1 ? "<pre>\(MarkupText.escaped(String(lines[1])))</pre>" : ""
    return "<div class=\"reason\">\(MarkupText.escaped(String(lines[0])))\(more)</div>"
  }

  private var table: String {
    let names = [
      "episode", "iterations", "\(metric), average", "moving average", "members worst",
      "mean", "best", "loss", "L2 members", "L2 episode start", "L2 run start", "s training",
      "s averaging", "s evaluation", "s all", "failed",
    ]
    let known = names.indices.filter { column in
      rows.contains { row in
        row.cells[column].value.map { names[column] != "failed" || $0 > 0 } ?? false
      }
    }
    return ReportStyle.table(
      "Episodes", head: known.map { MarkupText.escaped(names[$0]) },
      rows: rows.map { row in
        let cells = row.cells
        return known.map { cells[$0].value.map { NumberText.short($0) } ?? "" }
      })
  }

  /// Every number that was recorded of the averages: at the start, in the best episode and in the last.
  private var metricTable: String {
    let metrics = RecordedMetrics(status.history)
    guard metrics.names.count > 1, let last = metrics.episodes.last else { return "" }
    let limit = 300
    let best = status.metrics.best?.episode ?? last
    let episodes = [0, best, last]
    let rows = metrics.names.prefix(limit).map { name in
      [MarkupText.escaped(name)]
        + episodes.map { metrics.value(name, episode: $0).map { NumberText.short($0) } ?? "" }
    }
    let count = metrics.names.count
    let more = count > limit ? "<p>and \(count - limit) more: <code>--csv</code> has all</p>" : ""
    return "<h2>All recorded numbers</h2>\n"
      + ReportStyle.table(
        "All recorded numbers",
        head: ["number", "start", "best: episode \(best)", "last: episode \(last)"], rows: rows)
      + more
  }

  /// Why attempts failed: the last reason of each task.
  private var failures: String {
    let all = status.history.episodes.sorted { $0.key < $1.key }.flatMap { number, episode in
      episode.tasks.sorted { $0.key < $1.key }.compactMap { name, task -> String? in
        guard let reason = task.lastFailure, let found = RunTask(episode: number, name: name) else {
          return nil
        }
        return "<li><b>\(MarkupText.escaped(found.text))</b>: \(MarkupText.escaped(reason))</li>"
      }
    }
    if all.isEmpty { return "" }
    let more = all.count > 100 ? "<p>and \(all.count - 100) more</p>" : ""
    return "<h2>Attempts that did not count</h2>\n<ul>\n"
      + all.prefix(100).joined(separator: "\n") + "\n</ul>\(more)"
  }

  /// Where things are, and what the run is.
  private var facts: String {
    let history = status.history
    var facts: [(String, String)] = []
    if let digest = history.finalDigest {
      let folder = RunFolder(status.path, episodes: status.plan.episodes)
      facts.append(("result", folder.final(suffix: status.plan.suffix).string))
      facts.append(("SHA-256 of the result", digest))
    }
    if let best = status.metrics.best, let file = status.file(of: best) {
      let isThere = FileStatus(of: file) != nil
      facts.append(("best episode's file", isThere ? file.string : "not kept"))
    }
    facts.append(("folder", status.path.string))
    if let start = history.start {
      facts += [
        ("run", start.run), ("plan's folder", start.folder), ("seed", String(status.plan.seed)),
        ("version", start.version),
      ]
    }
    facts.append(("last event", "\(WallClock.text(history.lastTime)) UTC"))
    if history.resumeCount > 0 { facts.append(("resumed", "\(history.resumeCount) times")) }
    return "<dl>"
      + facts.map { name, value in
        "<dt>\(MarkupText.escaped(name))</dt><dd>\(MarkupText.escaped(value))</dd>"
      }.joined(separator: "\n") + "</dl>"
  }

  private var settings: String {
    let all = (status.history.start?.settings ?? []) + status.history.laterSettings
    if all.isEmpty { return "" }
    return "<p>With " + all.map { "<code>\(MarkupText.escaped($0))</code>" }.joined(separator: ", ")
      + ".</p>\n"
  }
}
