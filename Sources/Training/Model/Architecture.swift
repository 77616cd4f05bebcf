/// The shape of a multilayer perceptron: linear layers with rectifiers between them.
public struct Architecture: Sendable, Hashable {
  /// The number of features of a sample.
  public let inputCount: Int
  /// The numbers of units of the hidden layers, from the input on.
  public let hiddenCounts: [Int]
  /// The number of classes.
  public let classCount: Int
  /// Whether batch normalisation follows each hidden layer.
  public let hasBatchNorm: Bool

  /// Describes a network.
  ///
  /// - Throws: `TrainingError` for counts that make no network.
  public init(inputCount: Int, hiddenCounts: [Int], classCount: Int, hasBatchNorm: Bool = false)
    throws(TrainingError)
  {
    let counts = [inputCount] + hiddenCounts + [classCount]
    guard counts.allSatisfy({ (1...Architecture.maximumCount).contains($0) }) else {
      throw TrainingError.usage(
        "a layer needs between 1 and \(Architecture.maximumCount) units, found \(counts)")
    }
    guard !hasBatchNorm || !hiddenCounts.isEmpty else {
      throw TrainingError.usage("batch normalisation needs a hidden layer")
    }
    self.inputCount = inputCount
    self.hiddenCounts = hiddenCounts
    self.classCount = classCount
    self.hasBatchNorm = hasBatchNorm
  }

  /// Reads a description of the hidden layers: `mlp:128,64`; `mlp` alone is a linear classifier.
  ///
  /// - Throws: `TrainingError` for another description.
  public static func hiddenCounts(described text: String) throws(TrainingError) -> [Int] {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let counts = parts.count < 2 ? [] : parts[1].split(separator: ",").map { Int($0) }
    guard parts[0] == "mlp", parts.count < 2 || !counts.isEmpty, !counts.contains(nil) else {
      throw TrainingError.usage(
        "there is no model '\(text)'",
        hint: "mlp:128,64 has two hidden layers, of 128 and 64 units")
    }
    return counts.compactMap { $0 }
  }

  private static let maximumCount = 1 << 20
}
