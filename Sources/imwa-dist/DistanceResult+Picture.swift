import Plotting
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

  private var heading: String {
    "\(metric.title) between \(names.count) models, "
      + "\(NumberText.grouped(report.parameterCount)) parameters"
  }

  private var heatMap: Scene {
    let count = names.count - (metric.needsBase && report.base != nil ? 1 : 0)
    let values = DistanceResult.distances(report).prefix(count).map { Array($0.prefix(count)) }
    return HeatMap(
      title: heading, valueTitle: valueTitle, names: Array(modelLabels.prefix(count)),
      values: values
    ).scene
  }

  private var depthChart: Scene {
    let labels = modelLabels
    let short = { (model: Int) in model < report.models.count ? String(model + 1) : "base" }
    let series = shownPairs.map { index in
      let pair = allPairs[index]
      return LineChart.Series(
        name: "\(short(pair.a))–\(short(pair.b))",
        values: layers.map { $0.value(ofPair: index) })
    }
    return LineChart(
      title: heading + ", by layer", placeTitle: "layer, in the order of the first model",
      valueTitle: valueTitle,
      places: layers.map(\.name), series: series,
      notes: labels.enumerated().map { "\(short($0.offset))  \($0.element)" }
    ).scene
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
      title: "Map of \(names.count) models by \(metric.title)",
      xTitle: "first axis (\(shares.first ?? "")), \(valueTitle)",
      yTitle: "second axis (\(shares.last ?? ""))", items: items
    ).scene
  }
}
