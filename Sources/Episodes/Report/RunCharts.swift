import Plotting

/// The pictures of a run.
struct RunCharts {
  private let status: RunStatus
  private let rows: [EpisodeRow]
  private let metrics: RecordedMetrics

  init(_ status: RunStatus, _ rows: [EpisodeRow]) {
    self.status = status
    self.rows = rows
    metrics = RecordedMetrics(status.history)
  }

  private var metric: String { status.plan.evaluate?.metric ?? "metric" }

  /// The figures, those without a value left out.
  var html: [String] {
    let charts = [metricChart, losses, curves, distances, times].filter { !$0.isEmpty }
    return charts.map(\.html) + others
  }

  private func line(_ name: String, _ value: (EpisodeRow) -> Double?) -> EpisodeChart.Line {
    EpisodeChart.Line(name, rows.map { (Double($0.episode), value($0)) })
  }

  private var metricChart: EpisodeChart {
    var chart = EpisodeChart(
      title: "\(metric) per episode", lines: [line("average") { $0.metrics[.average] }],
      scale: .linear)
    if let start = status.metrics.start?.value, isFar(start, from: chart.lines[0].points) {
      // New weights know nothing, and would flatten all that follows.
      chart.title += "; \(NumberText.short(start)) at the start, which is not shown"
      chart.lines = [
        EpisodeChart.Line(
          "average", rows.map { (Double($0.episode), $0.episode == 0 ? nil : $0.metrics[.average]) }
        )
      ]
    }
    let average = line("moving average") { $0.metrics[.ema] }
    if !average.points.isEmpty { chart.lines.append(average) }
    if rows.contains(where: { !$0.members.isEmpty }) {
      chart.band = EpisodeChart.Band(
        name: "members, from worst to best", low: line("worst member") { $0.members.min() },
        high: line("best member") { $0.members.max() })
    }
    return chart
  }

  /// Whether the start would take more than half of the picture.
  private func isFar(_ start: Double, from points: [EpisodeChart.Point]) -> Bool {
    let others = points.filter { $0.x > 0 }.map(\.y)
    guard let low = others.min(), let high = others.max(), others.count > 2 else { return false }
    return start < low - (high - low) || start > high + (high - low)
  }

  private var losses: EpisodeChart {
    EpisodeChart(
      title: "last loss per episode, mean of the members", lines: [line("loss", \.loss)],
      scale: .automatic)
  }

  /// The losses within the episodes, where trainers print them.
  private var curves: EpisodeChart {
    let history = status.history
    let members = 1...min(status.plan.members, ChartColors.count)
    let lines = members.map { member in
      EpisodeChart.Line(
        "member \(member)",
        (1...max(1, history.lastComplete + 1)).flatMap { episode in
          let curve = history[.train(episode: episode, member: member)].curve
          return (curve?.points ?? []).map { (Double($0.iteration), $0.loss) }
        })
    }
    return EpisodeChart(
      title: "loss within the episodes", xTitle: "iteration",
      lines: lines.filter { !$0.points.isEmpty }, scale: .automatic)
  }

  private var distances: EpisodeChart {
    EpisodeChart(
      title: "L2 distance per episode",
      lines: [
        line("between members") { $0.distances?.amongMembers },
        line("members to the episode's start") { $0.distances?.fromEpisodeStart },
        line("average to the run's start") { $0.distances?.fromRunStart },
      ], scale: .automatic)
  }

  private var times: EpisodeChart {
    EpisodeChart(
      title: "seconds per episode",
      lines: [
        line("training (longest member)", \.longestTraining), line("averaging", \.averaging),
        line("evaluation", \.evaluation), line("all", \.total),
      ].filter { !$0.points.isEmpty })
  }

  /// What evaluations printed besides the plan's metric.
  private var others: [String] {
    let single = metrics.single.filter { $0 != metric }
    let parts = single.filter { isPart($0) }
    var charts = stride(from: 0, to: parts.count, by: ChartColors.count).map { start in
      EpisodeChart(
        title: "other numbers from 0 to 1, \(subject)",
        lines: parts[start...].prefix(ChartColors.count).map(metrics.line), scale: .linear)
    }
    charts += single.filter { !parts.contains($0) && !isConstant($0) }.prefix(12).map { name in
      EpisodeChart(title: "\(name), \(subject)", lines: [metrics.line(name)], scale: .automatic)
    }
    let families = metrics.families.prefix(12)
    charts += families.filter { $0.members.count <= ChartColors.count }.map { family in
      EpisodeChart(
        title: "\(family.name), \(subject)", lines: family.members.map(metrics.line), scale: .linear
      )
    }
    let maps = families.filter { $0.members.count > ChartColors.count }.map(map)
    return charts.filter { !$0.isEmpty }.map(\.html) + maps
  }

  private var subject: String {
    status.plan.evaluate?.on.contains(.averages) ?? true ? "average" : "moving average"
  }

  private func map(_ family: RecordedMetrics.Family) -> String {
    let episodes = metrics.episodes
    return ClassMap(
      title: "\(family.name), \(subject)",
      names: family.members.map { String($0.dropFirst(family.name.count + 1)) },
      episodes: episodes,
      values: family.members.map { name in
        episodes.map { metrics.value(name, episode: $0) }
      }
    ).html
  }

  /// Whether a number is the same in all episodes, such as that of the samples.
  private func isConstant(_ name: String) -> Bool {
    Set(metrics.episodes.map { metrics.value(name, episode: $0) }).count == 1
  }

  /// Whether all values are shares, which can stand in one picture.
  private func isPart(_ name: String) -> Bool {
    metrics.episodes.allSatisfy { episode in
      metrics.value(name, episode: episode).map { (0...1).contains($0) } ?? true
    }
  }
}
