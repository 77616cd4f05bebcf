/// The relative size of the task vectors a−base and b−base: the norm of the smaller by that of the larger.
public enum TaskVectorSize: DistanceMetric {
  /// `task-size`.
  public static let name = "task-size"
  /// “relative size of task vectors”.
  public static let title = "relative size of task vectors"
  /// It is large for models that are alike.
  public static let isSimilarity = true
  /// Task vectors are differences from a base.
  public static let needsBase = true
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.squaredTask]

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double {
    let sizes = [pair.a.squaredTask, pair.b.squaredTask]
    if sizes.contains(where: \.isNaN) { return .nan }
    return (sizes.min() ?? .nan).squareRoot() / (sizes.max() ?? .nan).squareRoot()
  }
}
