public import Checkpoints
public import TensorCore

/// Models that fit together, ready to be measured.
public struct DistanceMeasurement: Sendable {
  /// What is compared, and what is left out.
  public let plan: DistancePlan

  private let models: [String]
  private let base: String?
  private let options: DistanceOptions
  private let terms: DistanceTerms

  /// Aligns models; no data is read.
  ///
  /// - Parameters:
  ///   - models: at least one, and at least two without a base.
  ///   - labels: what to call the models in messages and in the report.
  ///   - base: the model that training started from, and what to call it.
  /// - Throws: `AlignmentError` with all mismatches, `SelectionError` for a pattern that matches nothing,
  ///   `DistanceError` when nothing is left or a metric needs a base.
  public init(
    _ models: [WeightMap], labels: [String], base: (weights: WeightMap, label: String)? = nil,
    options: DistanceOptions = DistanceOptions()
  ) throws {
    precondition(models.count == labels.count && models.count + (base == nil ? 0 : 1) >= 2)
    if base == nil, let metric = options.metrics.first(where: { $0.needsBase }) {
      throw DistanceError.needsBase(metric)
    }
    plan = try DistancePlan(
      models + (base.map { [$0.weights] } ?? []), labels: labels + (base.map { [$0.label] } ?? []),
      options: options)
    self.models = labels
    self.base = base?.label
    self.options = options
    terms = DistanceTerms(
      modelCount: models.count, baseIndex: base == nil ? nil : models.count, options: options)
  }

  /// Reads every tensor of every model once.
  ///
  /// - Throws: `StreamError` for NaN and infinity, unless `stream` allows them, and what reading throws.
  public func report(_ stream: StreamOptions = StreamOptions()) throws -> DistanceReport {
    let inputCount = models.count + (base == nil ? 0 : 1)
    let layers = options.tellsLayers ? layersOfRows() : Layers()
    let reductions = BlockReductions(plan.rows, inputCount: inputCount, options: stream)
    var (reduction, nonFinite) = try reductions.run(
      DistanceReduction(
        PairReduction(terms.terms, inputCount: inputCount), rowCount: plan.rows.count,
        layerOfRow: layers.ofRow, tellsTensors: options.tellsTensors))
    reduction.finishRow()
    let pairs = terms.pairs.map { DistanceReport.Pair(a: $0.a, b: $0.b) }
    let isBasePair = { (pair: DistanceReport.Pair) in pair.b == models.count }
    return DistanceReport(
      models: models, base: base, metrics: options.metrics, isNormalized: options.isNormalized,
      leftOut: plan.leftOut, tensorCount: plan.tensorCount,
      pairs: pairs.filter { !isBasePair($0) }, basePairs: pairs.filter(isBasePair),
      total: group("", reduction.total, parameterCount: plan.parameterCount),
      tensors: reduction.tensors.indices.map { row in
        let first = plan.rows[row][0]
        return group(
          first.info.name, reduction.tensors[row], parameterCount: first.parameterCount)
      },
      layers: layers.names.indices.map { layer in
        group(
          layers.names[layer], reduction.layers[layer],
          parameterCount: layers.parameterCounts[layer])
      },
      spread: spread(reduction.total), nonFinite: nonFinite.map(\.description))
  }

  /// The layers in the order of depth, and which one each row is of.
  private struct Layers {
    var names: [String] = []
    var parameterCounts: [Int] = []
    var ofRow: [Int] = []
  }

  private func layersOfRows() -> Layers {
    let layers = plan.rows.map { LayerName(ofTensor: $0[0].info.name) }
    var result = Layers()
    result.names = LayerName.ordered(layers)
    let numbers = Dictionary(
      uniqueKeysWithValues: result.names.enumerated().map { (ExactString($1), $0) })
    result.ofRow = layers.map { numbers[ExactString($0.text)] ?? 0 }
    result.parameterCounts = result.names.map { _ in 0 }
    for (row, layer) in result.ofRow.enumerated() {
      result.parameterCounts[layer] += plan.rows[row][0].parameterCount
    }
    return result
  }

  private func group(_ name: String, _ sums: DistanceReduction.Sums, parameterCount: Int)
    -> DistanceReport.Group
  {
    let totals = sums.sums.map(\.total)
    let hasPlaces = options.metrics.contains { $0.quantities.contains(.largestDifference) }
    var values: [Double] = []
    var places: [DistanceReport.Place?] = []
    values.reserveCapacity(terms.pairs.count * options.metrics.count)
    for pair in terms.pairs {
      let quantities = terms.quantities(of: pair, in: totals, parameterCount: parameterCount)
      for metric in options.metrics { values.append(value(metric, quantities)) }
      if hasPlaces { places.append(place(pair, sums)) }
    }
    return DistanceReport.Group(
      name: name, parameterCount: parameterCount, values: values, places: places,
      metricCount: options.metrics.count)
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

  private func spread(_ sums: DistanceReduction.Sums) -> DistanceReport.Spread? {
    guard let places = terms.spread else { return nil }
    let norms = terms.models[..<models.count].map { model in
      model.squares.map { sums.sums[$0].total.squareRoot() } ?? .nan
    }
    return DistanceReport.Spread(
      distancesToMean: places.squaredDeviations.map { sums.sums[$0].total.squareRoot() },
      normOfMean: sums.sums[places.squaredMean].total.squareRoot(),
      meanNorm: norms.reduce(0, +) / Double(norms.count))
  }
}
