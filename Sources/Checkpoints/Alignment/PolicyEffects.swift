import TensorCore

/// How many tensors each choice of a policy found to act on.
///
/// A choice that was made and found nothing is worth a word: what it was made for may have a name that is not known.
public struct PolicyEffects: Sendable, Hashable {
  /// A choice that acts on some tensors.
  public enum Setting: Sendable, Hashable, CaseIterable {
    /// What becomes of running statistics.
    case batchNorm
    /// What becomes of the state of optimizers.
    case optimizer
    /// What becomes of integers and truth values.
    case integers
    /// What becomes of tensors that an input lacks.
    case missing
    /// Matching by position, where names differ.
    case match
    /// The dtype of averaged tensors.
    case outputDType

    /// What a tensor has to be for the choice to act on it, as the end of a sentence.
    public var subject: String {
      switch self {
      case .batchNorm: "a running statistic of a normalisation"
      case .optimizer: "state of an optimizer"
      case .integers: "of integers or truth values"
      case .missing: "missing from an input"
      case .match: "matched with one of another name"
      case .outputDType: "of floating point with another dtype"
      }
    }
  }

  private let counts: [Setting: Int]

  init(
    _ entries: [MergePlan.Entry], optimizerCount: Int, leftOutCount: Int, partialCount: Int,
    renamedCount: Int
  ) {
    var counts: [Setting: Int] = [
      .optimizer: optimizerCount, .missing: leftOutCount + partialCount, .match: renamedCount,
    ]
    for entry in entries {
      if case .statistic(let statistic) = entry.role, statistic != .batchCount {
        counts[.batchNorm, default: 0] += 1
      }
      if entry.role == .optimizerState, entry.treatment != .fixed(.copy) {
        counts[.optimizer, default: 0] += 1
      }
      if entry.info.dtype.isWhole, entry.role != .code, entry.role != .scale,
        entry.role != .optimizerState
      {
        counts[.integers, default: 0] += 1
      }
      if entry.tensors.contains(where: { $0.info.dtype != entry.info.dtype }) {
        counts[.outputDType, default: 0] += 1
      }
    }
    self.counts = counts
  }

  /// How many tensors a choice acts on.
  public subscript(setting: Setting) -> Int { counts[setting] ?? 0 }
}
