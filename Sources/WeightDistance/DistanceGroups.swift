import Checkpoints
import TensorCore

/// Makes distances of what sums came to over some tensors.
struct DistanceGroups {
  let plan: DistancePlan
  /// The models, and last the base.
  let names: [String]
  let modelCount: Int
  let terms: DistanceTerms
  let options: DistanceOptions
  /// Whether sums that are infinite are out of range.
  let judgesLarge: Bool
  /// What has no value because float64 cannot hold what it is made of: metrics, and `spread`.
  private(set) var undefined: [String] = []

  init(
    plan: DistancePlan, names: [String], modelCount: Int, terms: DistanceTerms,
    options: DistanceOptions, judgesLarge: Bool
  ) {
    self.plan = plan
    self.names = names
    self.modelCount = modelCount
    self.terms = terms
    self.options = options
    self.judgesLarge = judgesLarge
  }

  /// The distances over some tensors.
  ///
  /// - Parameter name: the tensor or the layer; empty for all.
  /// - Throws: `DistanceError` when a metric that is asked for has no value.
  mutating func group(_ name: String, _ sums: DistanceReduction.Sums, parameterCount: Int) throws
    -> DistanceReport.Group
  {
    let totals = sums.sums.map(\.total)
    let outOfRange = terms.outOfRange(totals, judgesLarge: judgesLarge)
    let metrics = options.allMetrics
    let hasPlaces = metrics.contains { $0.quantities.contains(.largestDifference) }
    var values: [Double] = []
    var places: [DistanceReport.Place?] = []
    values.reserveCapacity(terms.pairs.count * metrics.count)
    for (number, pair) in terms.pairs.enumerated() {
      let quantities = terms.quantities(of: pair, in: totals, parameterCount: parameterCount)
      for (index, metric) in metrics.enumerated() {
        if !outOfRange.isEmpty,
          let term = terms.ofMetrics[number][index].first(where: { outOfRange.contains($0) })
        {
          guard index >= options.metrics.count else {
            throw error(metric, pair, name, term, sums)
          }
          noteUndefined(metric.name)
          values.append(.nan)
        } else {
          values.append(value(metric, quantities))
        }
      }
      if hasPlaces { places.append(place(pair, sums)) }
    }
    return DistanceReport.Group(
      name: name, parameterCount: parameterCount, values: values, places: places,
      metricCount: metrics.count)
  }

  private func error(
    _ metric: any DistanceMetric.Type, _ pair: DistanceTerms.Pair, _ name: String, _ term: Int,
    _ sums: DistanceReduction.Sums
  ) -> DistanceError {
    let isLarge = !sums.sums[term].value.isFinite
    let tensor = isLarge ? plan.rows[sums.rows[term]][0].info.name : name.isEmpty ? nil : name
    return .outOfRange(
      metric, (names[pair.a], names[pair.b]), in: tensor, terms.terms[term].quantity,
      isLarge: isLarge)
  }

  private mutating func noteUndefined(_ name: String) {
    if !undefined.contains(name) { undefined.append(name) }
  }

  private func value(_ metric: any DistanceMetric.Type, _ pair: PairQuantities) -> Double {
    let value = metric.value(pair)
    guard options.isNormalized, let a = metric.size(pair.a), let b = metric.size(pair.b) else {
      return value
    }
    // Models of nothing but zeros are the same.
    return value == 0 ? 0 : value / ((a + b) / 2)
  }

  private func place(_ pair: DistanceTerms.Pair, _ sums: DistanceReduction.Sums)
    -> DistanceReport.Place?
  {
    guard let term = pair.largestDifference, let element = sums.sums[term].place,
      !sums.sums[pair.squaredDifferences].total.isNaN
    else { return nil }
    let info = plan.rows[sums.rows[term]][0].info
    return DistanceReport.Place(tensor: info.name, indexes: info.indexes(of: element))
  }

  /// How far the models lie from their mean; nil when that is not asked for, or has no value.
  mutating func spread(_ sums: DistanceReduction.Sums) -> DistanceReport.Spread? {
    guard let places = terms.spread else { return nil }
    let outOfRange = terms.outOfRange(sums.sums.map(\.total), judgesLarge: judgesLarge)
    guard outOfRange.isDisjoint(with: places.all) else {
      noteUndefined("spread")
      return nil
    }
    let norms = terms.models[..<modelCount].map { model in
      model.squares.map { sums.sums[$0].total.squareRoot() } ?? .nan
    }
    return DistanceReport.Spread(
      distancesToMean: places.squaredDeviations.map { sums.sums[$0].total.squareRoot() },
      normOfMean: sums.sums[places.squaredMean].total.squareRoot(),
      meanNorm: norms.reduce(0, +) / Double(norms.count))
  }
}
