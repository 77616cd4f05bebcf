import Plotting
import ToolSupport
import WeightDistance

extension DistanceResult {
  /// What --plot shows.
  var picture: Scene {
    if map != nil { return mapPicture }
    return layers.isEmpty ? heatMap : depthChart
  }

  private var modelLabels: [String] {
    let labels = ModelLabels.distinguishing(report.models)
    return labels + (report.base == nil ? [] : ["base"])
  }

  private var metric: any DistanceMetric.Type { report.metrics[0] }

  private var valueTitle: String {
    let isPlain = metric.sizeQuantity != nil && !report.isNormalized
    return metric.title + (isPlain ? " [units of the weights]" : " [no unit]")
  }

  /// `5 models`, `5 models and the base`.
  private func subjects(_ showsBase: Bool) -> String {
    counted(report.models.count, "model") + (showsBase ? " and the base" : "")
  }

  private func heading(_ showsBase: Bool) -> String {
    "\(metric.title) between \(subjects(showsBase)), "
      + "\(NumberText.grouped(report.parameterCount)) parameters"
  }

  private var heatMap: Scene {
    let count = names.count - (metric.needsBase && report.base != nil ? 1 : 0)
    let values = DistanceResult.distances(report).prefix(count).map { Array($0.prefix(count)) }
    return HeatMap(
      title: heading(report.base != nil && !metric.needsBase), valueTitle: valueTitle,
      names: Array(modelLabels.prefix(count)),
      values: values
    ).scene
  }

  private var depthChart: Scene {
    let isSummary = shownPairs.count > DistanceResult.maximumPairLines
    return LineChart(
      title: heading(report.pairs.isEmpty) + ", by layer",
      placeTitle: "layer, in the order of the first model",
      valueTitle: valueTitle,
      places: layers.map(\.name), series: isSummary ? summaryLines : pairLines,
      notes: isSummary
        ? ["of \(shownPairs.count) pairs"]
        : modelLabels.enumerated().map { "\(label($0.offset))  \($0.element)" }
    ).scene
  }

  /// More lines than this cannot be told from each other.
  private static let maximumPairLines = 21

  private var pairLines: [LineChart.Series] {
    shownPairs.map { index in
      LineChart.Series(
        name: label(allPairs[index]), values: layers.map { $0.value(ofPair: index) })
    }
  }

  private var summaryLines: [LineChart.Series] {
    let values = layers.map { layer in shownPairs.map { layer.value(ofPair: $0) } }
    return [
      LineChart.Series(
        name: "mean",
        values: layers.map { DistanceResult.mean($0, metric: 0, pairs: shownPairs) }),
      // A comparison with NaN would hide it.
      LineChart.Series(
        name: "smallest",
        values: values.map { $0.contains(where: \.isNaN) ? .nan : $0.min() ?? .nan }),
      LineChart.Series(
        name: "largest",
        values: values.map { $0.contains(where: \.isNaN) ? .nan : $0.max() ?? .nan }),
    ]
  }

  private var mapPicture: Scene {
    let points = map?.points ?? []
    let shares = (map?.shares ?? []).map { share in
      share.isFinite ? "\(Int((share * 100).rounded())) % of the squared distances" : "?"
    }
    let items = zip(modelLabels, points).enumerated().map { index, item in
      let isBase = index == report.models.count
      return PointMap.Item(
        label: isBase ? "base" : String(index + 1), name: isBase ? "" : item.0, x: item.1.x,
        y: item.1.y, isSpecial: isBase)
    }
    return PointMap(
      title: "Map of \(subjects(report.base != nil)) by \(metric.title)",
      xTitle: "first axis (\(shares.first ?? "")), \(valueTitle)",
      yTitle: "second axis (\(shares.last ?? ""))", items: items
    ).scene
  }
}
