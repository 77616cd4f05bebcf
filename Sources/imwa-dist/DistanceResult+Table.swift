import Plotting
import ToolSupport
import WeightDistance

extension DistanceResult {
  /// More pairs than this get columns of their mean, smallest and largest value.
  private static let maximumPairColumns = 6

  /// The result for people.
  var table: String {
    var lines: [String] = []
    if names.count > 2 || report.base != nil {
      lines += modelLines
    }
    lines.append(
      "\(NumberText.grouped(report.parameterCount)) parameters in "
        + counted(report.tensorCount, "tensor")
        + (report.isNormalized ? "; distances divided by the mean size of the two models" : ""))
    lines.append("")
    lines += names.count == 2 ? singlePairLines : metrics.flatMap { matrixLines($0.index) }
    lines += spreadLines + mapLines
    lines += groupLines("layer", layers) + groupLines("tensor", tensors)
    return lines.map { $0 + "\n" }.joined()
  }

  private var modelLines: [String] {
    names.enumerated().map { index, name in
      "\(index < report.models.count ? String(index + 1) : "base")  \(Tool.printable(name))"
    }
  }

  /// What a model is called in the result: its number, or `base`.
  func label(_ model: Int) -> String {
    model < report.models.count ? String(model + 1) : "base"
  }

  /// What a pair is called in the result.
  func label(_ pair: DistanceReport.Pair) -> String { "\(label(pair.a))–\(label(pair.b))" }

  /// Of two models there is one number for each metric.
  private var singlePairLines: [String] {
    let rows = metrics.filter { isShown($0.index) }.map { index, metric in
      var row = [metric.title, NumberText.text(report.total.value(ofPair: 0, metric: index))]
      if metric.quantities.contains(.largestDifference), let place = report.total.places.first {
        row.append(place.map { "at \(DistanceResult.text($0))" } ?? "")
      }
      return row
    }
    return TextTable.lines(rows, leftAligned: [0, 2])
  }

  /// Whether a metric says anything of the pairs that there are.
  private func isShown(_ metric: Int) -> Bool {
    !report.metrics[metric].needsBase || !report.pairs.isEmpty
  }

  private func matrixLines(_ metric: Int) -> [String] {
    guard isShown(metric) else { return [] }
    let kind = report.metrics[metric]
    let count = names.count - (kind.needsBase ? 1 : 0)
    var cells = [[String]](repeating: [String](repeating: "–", count: count), count: count)
    for (index, pair) in allPairs.enumerated() where pair.b < count {
      let text = NumberText.text(report.total.value(ofPair: index, metric: metric))
      cells[pair.a][pair.b] = text
      cells[pair.b][pair.a] = text
    }
    let header = [kind.title] + (0..<count).map(label)
    let rows = cells.enumerated().map { [label($0.offset)] + $0.element }
    var lines = TextTable.lines([header] + rows, leftAligned: [0])
    if kind.quantities.contains(.largestDifference) {
      for (pair, place) in zip(allPairs, report.total.places) {
        if let place { lines.append("  \(label(pair)) at \(DistanceResult.text(place))") }
      }
    }
    return lines + [""]
  }

  private var spreadLines: [String] {
    guard let spread = report.spread, names.count > 2 else { return [] }
    let distances = spread.distancesToMean.map { NumberText.text($0) }
    return TextTable.lines(
      [
        ["L2 distance to the mean"] + distances,
        ["norm of the mean / mean norm", NumberText.text(spread.ratio)],
      ], leftAligned: [0])
  }

  private var mapLines: [String] {
    guard let map else { return [] }
    let rows = map.points.enumerated().map { index, point in
      [label(index), NumberText.text(point.x), NumberText.text(point.y)]
    }
    return [""] + TextTable.lines([["place in a plane", "x", "y"]] + rows, leftAligned: [0])
  }

  private func groupLines(_ kind: String, _ groups: [DistanceReport.Group]) -> [String] {
    guard !groups.isEmpty else { return [] }
    return metrics.filter { isShown($0.index) }.flatMap { index, metric in
      let isSummary = shownPairs.count > DistanceResult.maximumPairColumns
      let columns = isSummary ? ["mean", "min", "max"] : shownPairs.map { label(allPairs[$0]) }
      let rows = groups.map { group in
        [Tool.printable(group.name), NumberText.grouped(group.parameterCount)]
          + cells(of: group, metric: index, isSummary: isSummary)
      }
      let header = [kind, "parameters"] + (columns.count == 1 ? [metric.name] : columns)
      let title = columns.count == 1 ? [] : [metric.title + " by \(kind)"]
      return [""] + title + TextTable.lines([header] + rows, leftAligned: [0])
    }
  }

  private func cells(of group: DistanceReport.Group, metric: Int, isSummary: Bool) -> [String] {
    let values = shownPairs.map { group.value(ofPair: $0, metric: metric) }
    guard isSummary else { return values.map { NumberText.text($0) } }
    // A comparison with NaN would hide it.
    if values.contains(where: \.isNaN) { return ["nan", "nan", "nan"] }
    let mean = DistanceResult.mean(group, metric: metric, pairs: shownPairs)
    return [mean, values.min() ?? .nan, values.max() ?? .nan].map { NumberText.text($0) }
  }

  private static func text(_ place: DistanceReport.Place) -> String {
    Tool.printable(place.tensor) + (place.indexes.isEmpty ? "" : " \(place.indexes)")
  }
}
