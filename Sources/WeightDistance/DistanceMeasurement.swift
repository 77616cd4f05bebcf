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
    if base == nil, let metric = options.allMetrics.first(where: { $0.needsBase }) {
      throw DistanceError.needsBase(metric)
    }
    plan = try DistancePlan(
      models + (base.map { [$0.weights] } ?? []), labels: labels + (base.map { [$0.label] } ?? []),
      options: options)
    self.models = labels
    self.base = base?.label
    self.options = options
    terms = DistanceTerms(
      modelCount: models.count, baseIndex: base == nil ? nil : models.count,
      hasDoubles: plan.rows.contains { row in
        row.contains { [.float64, .complex128].contains($0.info.dtype) }
      }, options: options)
  }

  /// Reads every tensor of every model once.
  ///
  /// - Throws: `StreamError` for NaN and infinity, unless `stream` allows them, `DistanceError` when a metric is
  ///   made of sums that float64 cannot hold, and what reading throws.
  public func report(_ stream: StreamOptions = StreamOptions()) throws -> DistanceReport {
    let inputCount = models.count + (base == nil ? 0 : 1)
    let layers = options.tellsLayers ? layersOfRows() : Layers()
    let reductions = BlockReductions(plan.rows, inputCount: inputCount, options: stream)
    var (reduction, nonFinite) = try reductions.run(
      DistanceReduction(
        PairReduction(terms.terms, inputCount: inputCount), rowCount: plan.rows.count,
        layerOfRow: layers.ofRow, tellsTensors: options.tellsTensors))
    reduction.finishRow()
    var groups = DistanceGroups(
      plan: plan, names: models + (base.map { [$0] } ?? []), modelCount: models.count,
      terms: terms, options: options, judgesLarge: stream.nonFinite == .refuse)
    let pairs = terms.pairs.map { DistanceReport.Pair(a: $0.a, b: $0.b) }
    let isBasePair = { (pair: DistanceReport.Pair) in pair.b == models.count }
    return DistanceReport(
      models: models, base: base, metrics: options.allMetrics, isNormalized: options.isNormalized,
      leftOut: plan.leftOut, tensorCount: plan.tensorCount,
      pairs: pairs.filter { !isBasePair($0) }, basePairs: pairs.filter(isBasePair),
      total: try groups.group("", reduction.total, parameterCount: plan.parameterCount),
      tensors: try reduction.tensors.indices.map { row in
        let first = plan.rows[row][0]
        return try groups.group(
          first.info.name, reduction.tensors[row], parameterCount: first.parameterCount)
      },
      layers: try layers.names.indices.map { layer in
        try groups.group(
          layers.names[layer], reduction.layers[layer],
          parameterCount: layers.parameterCounts[layer])
      },
      spread: groups.spread(reduction.total), undefined: groups.undefined,
      nonFinite: nonFinite.map(\.description))
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
}
