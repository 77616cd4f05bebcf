/// A way to tell how far two models lie apart.
public protocol DistanceMetric: Sendable {
  /// The name in options and results.
  static var name: String { get }

  /// What it is, in a few words, for tables and pictures.
  static var title: String { get }

  /// Whether a large value means that models are alike rather than far apart.
  static var isSimilarity: Bool { get }

  /// Whether it needs the model that both come from.
  static var needsBase: Bool { get }

  /// What must be added up for it over each pair and each model.
  static var quantities: Set<DistanceQuantity> { get }

  /// The distance of a pair; NaN where it is not defined.
  static func value(_ pair: PairQuantities) -> Double

  /// What must be added up for `size`; nil when it has none.
  static var sizeQuantity: DistanceQuantity? { get }

  /// The same measure of one model alone, by which its distances are normalised; nil when they have no unit.
  static func size(_ model: ModelQuantities) -> Double?
}

extension DistanceMetric {
  /// Most metrics grow with the distance.
  public static var isSimilarity: Bool { false }
  /// Most metrics need no base.
  public static var needsBase: Bool { false }
  /// Similarities have no unit.
  public static var sizeQuantity: DistanceQuantity? { nil }
  /// Similarities have no unit.
  public static func size(_ model: ModelQuantities) -> Double? { nil }
}

/// The metrics that are known.
public enum DistanceMetrics {
  /// All of them, the default first.
  public static let all: [any DistanceMetric.Type] = [
    L2Distance.self, RelativeL2Distance.self, RootMeanSquareDistance.self, CosineSimilarity.self,
    L1Distance.self, MaximumDistance.self, SignAgreement.self, TaskVectorCosine.self,
    TaskVectorSize.self,
  ]

  /// The metric of this name.
  public static func metric(named name: String) -> (any DistanceMetric.Type)? {
    all.first { $0.name == name }
  }
}
