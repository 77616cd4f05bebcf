import JSONText
import WeightDistance

extension DistanceResult {
  /// The result for programs; the manual page describes it.
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("models", .array(report.models.map { .string($0) }))
    ]
    if let base = report.base { members.append(.init("base", .string(base))) }
    members += [
      .init("metric", .string(report.metrics[0].name)),
      .init("normalized", .bool(report.isNormalized)),
      .init("parameters", .integer(report.parameterCount)),
      .init("tensor_count", .integer(report.tensorCount)),
      .init("left_out", leftOut),
      .init("pairs", pairs(of: report.total)),
    ]
    if report.base != nil { members.append(.init("from_base", fromBase(report.total))) }
    members += [
      .init("layers", .array(layers.map(group))),
      .init("tensors", .array(tensors.map(group))),
      .init("spread", .array((report.spread?.distancesToMean ?? []).map { .float($0) })),
    ]
    if let spread = report.spread {
      members += [
        .init("norm_of_mean", .float(spread.normOfMean)),
        .init("mean_norm", .float(spread.meanNorm)),
        .init("mean_norm_ratio", .float(spread.ratio)),
      ]
    }
    if let map { members.append(.init("map", json(of: map))) }
    members.append(.init("undefined", .array(report.undefined.map { .string($0) })))
    members.append(.init("non_finite", .array(report.nonFinite.map { .string($0) })))
    return .object(members)
  }

  private var leftOut: JSONValue {
    let kinds = [
      ("batch_norm", report.leftOut.batchNorm), ("optimizer", report.leftOut.optimizer),
      ("integers", report.leftOut.integers), ("quantized", report.leftOut.quantized),
      ("moving_averages", report.leftOut.movingAverages), ("progress", report.leftOut.progress),
      ("missing", report.leftOut.missing),
    ]
    return .object(kinds.map { .init($0.0, .array($0.1.map { .string($0) })) })
  }

  private func group(_ group: DistanceReport.Group) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("name", .string(group.name)), .init("parameters", .integer(group.parameterCount)),
      .init("pairs", pairs(of: group)),
    ]
    if report.base != nil { members.append(.init("from_base", fromBase(group))) }
    return .object(members)
  }

  private func pairs(of group: DistanceReport.Group) -> JSONValue {
    .array(
      report.pairs.enumerated().map { index, pair in
        .object(
          [.init("a", .integer(pair.a)), .init("b", .integer(pair.b))] + values(of: group, index))
      })
  }

  private func fromBase(_ group: DistanceReport.Group) -> JSONValue {
    .array(
      report.basePairs.enumerated().map { index, pair in
        .object(
          [.init("model", .integer(pair.a))] + values(of: group, report.pairs.count + index))
      })
  }

  private func values(of group: DistanceReport.Group, _ pair: Int) -> [JSONValue.Member] {
    let isBasePair = pair >= report.pairs.count
    return metrics.filter { !(isBasePair && $0.metric.needsBase) }.flatMap { index, metric in
      let key = String(metric.name.map { $0 == "-" ? "_" : $0 })
      var members = [JSONValue.Member(key, .float(group.value(ofPair: pair, metric: index)))]
      if metric.quantities.contains(.largestDifference), let place = group.places[pair] {
        members.append(
          .init(
            key + "_at",
            .object([
              .init("tensor", .string(place.tensor)),
              .init("index", .array(place.indexes.map { .integer($0) })),
            ])))
      }
      return members
    }
  }

  private func json(of map: ClassicalScaling) -> JSONValue {
    .array(
      map.points.enumerated().map { index, point in
        .object([
          .init("model", index < report.models.count ? .integer(index) : .string("base")),
          .init("x", .float(point.x)), .init("y", .float(point.y)),
        ])
      })
  }
}
