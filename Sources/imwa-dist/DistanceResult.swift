import Plotting
import WeightDistance

/// A report as it was asked to be shown.
struct DistanceResult {
  let report: DistanceReport
  /// The metrics with their places in the report.
  let metrics: [(index: Int, metric: any DistanceMetric.Type)]
  /// The tensors and the layers that are shown, in their order.
  let tensors: [DistanceReport.Group]
  let layers: [DistanceReport.Group]
  /// The models' coordinates in a plane; nil when they are not asked for.
  let map: ClassicalScaling?

  init(report: DistanceReport, display: DisplayOptions) {
    self.report = report
    metrics = report.metrics.enumerated().map { ($0.offset, $0.element) }
    let order = display.sort ?? (display.top == nil ? .order : .distance)
    let arranged = { (groups: [DistanceReport.Group]) in
      Array(
        DistanceResult.sorted(groups, by: order, report).prefix(display.top ?? groups.count))
    }
    tensors = arranged(report.tensors)
    layers = arranged(report.layers)
    map = display.map ? ClassicalScaling(DistanceResult.distances(report)) : nil
  }

  /// The models and last the base.
  var names: [String] { report.models + (report.base.map { [$0] } ?? []) }

  /// All pairs in the order of the values: those of models and those with the base.
  var allPairs: [DistanceReport.Pair] { report.pairs + report.basePairs }

  /// The pairs that tensors and layers are shown for: those with the base only when there are no others.
  var shownPairs: [Int] {
    Array(report.pairs.isEmpty ? report.basePairs.indices : report.pairs.indices)
  }

  /// The mean of a metric over the pairs that are shown.
  static func mean(_ group: DistanceReport.Group, metric: Int, pairs: [Int]) -> Double {
    pairs.reduce(0) { $0 + group.value(ofPair: $1, metric: metric) } / Double(pairs.count)
  }

  /// The distances between all models and the base, by the first metric.
  static func distances(_ report: DistanceReport) -> [[Double]] {
    let count = report.models.count + (report.base == nil ? 0 : 1)
    var matrix = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
    for (index, pair) in (report.pairs + report.basePairs).enumerated() {
      matrix[pair.a][pair.b] = report.total.value(ofPair: index)
      matrix[pair.b][pair.a] = matrix[pair.a][pair.b]
    }
    return matrix
  }

  private static func sorted(
    _ groups: [DistanceReport.Group], by order: DisplayOptions.Order, _ report: DistanceReport
  ) -> [DistanceReport.Group] {
    switch order {
    case .order: return groups
    case .name:
      return groups.enumerated().sorted {
        ($0.element.name, $0.offset) < ($1.element.name, $1.offset)
      }.map(\.element)
    case .size: return stablySorted(groups) { Double($0.parameterCount) }
    case .distance:
      let pairs = Array(report.pairs.isEmpty ? report.basePairs.indices : report.pairs.indices)
      let sign: Double = report.metrics[0].isSimilarity ? -1 : 1
      return stablySorted(groups) { group in
        let mean = mean(group, metric: 0, pairs: pairs)
        // What has no value comes first: it needs to be looked at.
        return mean.isNaN ? .infinity : sign * mean
      }
    }
  }

  /// The largest first; of equal ones the earlier.
  private static func stablySorted(
    _ groups: [DistanceReport.Group], by key: (DistanceReport.Group) -> Double
  ) -> [DistanceReport.Group] {
    let keyed = groups.enumerated().map { (key: key($0.element), offset: $0.offset) }
    return keyed.sorted { ($1.key, $0.offset) < ($0.key, $1.offset) }.map { groups[$0.offset] }
  }
}
