/// The cosine of the angle between the task vectors a−base and b−base: whether training went the same way.
///
/// (Ilharco et al. 2023, "Editing models with task arithmetic", arXiv 2212.04089.)
public enum TaskVectorCosine: DistanceMetric {
  public static let name = "task-cosine"
  public static let title = "cosine of task vectors"
  public static let isSimilarity = true
  public static let needsBase = true
  public static let quantities: Set<DistanceQuantity> = [.taskProducts]

  public static func value(_ pair: PairQuantities) -> Double {
    PairQuantities.cosine(pair.taskProducts, pair.a.squaredTask, pair.b.squaredTask)
  }
}
