import WeightDistance

extension DistanceResult {
  /// The result for spreadsheets: one line for each value.
  var csv: String {
    var lines = ["scope,name,parameters,a,b,metric,value,place"]
    lines += csvLines("all", report.total)
    for layer in layers { lines += csvLines("layer", layer) }
    for tensor in tensors { lines += csvLines("tensor", tensor) }
    if let spread = report.spread {
      let count = String(report.parameterCount)
      for (model, distance) in zip(report.models, spread.distancesToMean) {
        lines.append(line(["mean", "", count, model, "", "l2", number(distance), ""]))
      }
      lines.append(line(["mean", "", count, "", "", "norm-ratio", number(spread.ratio), ""]))
    }
    if let map {
      for (name, point) in zip(names, map.points) {
        lines.append(line(["map", "", "", name, "", "x", number(point.x), ""]))
        lines.append(line(["map", "", "", name, "", "y", number(point.y), ""]))
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private func csvLines(_ scope: String, _ group: DistanceReport.Group) -> [String] {
    allPairs.enumerated().flatMap { index, pair in
      metrics.filter { !($0.metric.needsBase && pair.b == report.models.count) }.map { metric in
        var place = ""
        if metric.metric.quantities.contains(.largestDifference), let found = group.places[index] {
          place = found.tensor + (found.indexes.isEmpty ? "" : " \(found.indexes)")
        }
        return line([
          scope, group.name, String(group.parameterCount), names[pair.a], names[pair.b],
          metric.metric.name, number(group.value(ofPair: index, metric: metric.index)), place,
        ])
      }
    }
  }

  /// The shortest text that reads back as the same number.
  private func number(_ value: Double) -> String {
    value.isNaN ? "nan" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : value.description
  }

  /// A line with quotes where a field needs them (RFC 4180).
  private func line(_ fields: [String]) -> String {
    fields.map { field in
      let isPlain = field.utf8.allSatisfy { byte in
        ![UInt8(ascii: ","), UInt8(ascii: "\""), 0x0A, 0x0D].contains(byte)
      }
      if isPlain { return field }
      return "\""
        + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        + "\""
    }.joined(separator: ",")
  }
}
