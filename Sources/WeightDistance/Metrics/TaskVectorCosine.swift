/// The cosine of the angle between the task vectors a−base and b−base: whether training went the same way.
///
/// (Ilharco et al. 2023, "Editing models with task arithmetic", arXiv 2212.04089.)
public enum TaskVectorCosine: DistanceMetric {
  /// `task-cosine`.
  public static let name = "task-cosine"
  /// “cosine of task vectors”.
  public static let title = "cosine of task vectors"
  /// It is large for models that are alike.
  public static let isSimilarity = true
  /// Task vectors are differences from a base.
  public static let needsBase = true
  /// The sums that it is made of.
  public static let quantities: Set<DistanceQuantity> = [.taskProducts, .squaredTask]

  /// The value for a pair.
  public static func value(_ pair: PairQuantities) -> Double {
    PairQuantities.cosine(pair.taskProducts, pair.a.squaredTask, pair.b.squaredTask)
  }
}
