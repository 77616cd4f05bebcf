/// The relative size of the task vectors a−base and b−base: the norm of the smaller by that of the larger.
public enum TaskVectorSize: DistanceMetric {
  public static let name = "task-size"
  public static let title = "relative size of task vectors"
  public static let isSimilarity = true
  public static let needsBase = true
  public static let quantities: Set<DistanceQuantity> = [.squaredDifferences]

  public static func value(_ pair: PairQuantities) -> Double {
    let sizes = [pair.a.squaredTask, pair.b.squaredTask]
    if sizes.contains(where: \.isNaN) { return .nan }
    return (sizes.min() ?? .nan).squareRoot() / (sizes.max() ?? .nan).squareRoot()
  }
}
