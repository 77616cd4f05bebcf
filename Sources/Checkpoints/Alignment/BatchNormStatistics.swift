public import TensorCore

/// Finds the running statistics of batch normalisation, which are measured on data and not learned.
///
/// PyTorch, Keras and Flax tell them by their names. Keras 3 numbers the variables of a layer: there the
/// last two of a layer of the class `BatchNormalization` are its statistics.
public struct BatchNormStatistics: Sendable {
  /// What a statistic is.
  public enum Role: Sendable, Hashable {
    /// The running mean of the activations.
    case mean
    /// Their running variance.
    case variance
    /// How many batches were seen.
    case batchCount
  }

  private static let roles: [String: Role] = [
    "running_mean": .mean, "moving_mean": .mean,
    "running_var": .variance, "moving_variance": .variance,
    "num_batches_tracked": .batchCount,
  ]

  /// Whether a name ends like one of the roles, `mean` or `var`, or in the number of a variable or an output.
  private static func mayEnd(_ name: String) -> Bool {
    switch name.lastByte {
    case UInt8(ascii: "n")?, UInt8(ascii: "e")?, UInt8(ascii: "d")?, UInt8(ascii: "r")?: true
    case let last? where (0x30...0x39).contains(last):
      name.utf8.contains(UInt8(ascii: "/")) || name.hasSuffix(":0")
    default: false
    }
  }

  /// More than a layer of this kind has, and a bound for the numbers in hostile names.
  private static let maximumVariableCount = 16

  private let weights: WeightMap

  /// Looks at the names in a checkpoint.
  public init(_ weights: WeightMap) { self.weights = weights }

  /// What the tensor of this name is; nil when it is no such statistic.
  public func role(of name: String) -> Role? {
    // Most names end otherwise; splitting tens of thousands of them takes milliseconds.
    guard BatchNormStatistics.mayEnd(name) else { return nil }
    let separator: Character = name.contains("/") ? "/" : "."
    let components = name.split(separator: separator, omittingEmptySubsequences: false)
    guard var last = components.last else { return nil }
    // TensorFlow numbers the outputs of an operation.
    if last.hasSuffix(":0") { last = last.dropLast(2) }
    if let role = BatchNormStatistics.roles[String(last)] { return role }
    if components.contains("batch_stats") {
      return last == "mean" ? .mean : last == "var" ? .variance : nil
    }
    return numberedRole(components)
  }

  /// The name of the mean that belongs to a variance; nil when the name is no variance's.
  public func meanName(ofVariance name: String) -> String? {
    guard role(of: name) == .variance else { return nil }
    let pairs = [
      ("running_var", "running_mean"), ("moving_variance", "moving_mean"), ("var", "mean"),
    ]
    let suffix = name.hasSuffix(":0") ? ":0" : ""
    let stem = String(name.dropLast(suffix.count))
    for (variance, mean) in pairs where stem.hasSuffix(variance) {
      return stem.dropLast(variance.count) + mean + suffix
    }
    guard let separator = name.lastIndex(of: "/"),
      let number = Int(name[name.index(after: separator)...])
    else { return nil }
    return name[...separator] + String(number - 1)
  }

  /// `layers/batch_normalization_1/vars/2`: gamma and beta, when the layer has them, come before.
  private func numberedRole(_ components: [Substring]) -> Role? {
    guard components.count >= 3, let number = components.last.flatMap({ Int($0) }),
      (0..<BatchNormStatistics.maximumVariableCount).contains(number),
      components[components.count - 2] == "vars",
      components[components.count - 3].hasPrefix("batch_normalization")
    else { return nil }
    let prefix = components.dropLast().joined(separator: "/") + "/"
    var count = number
    while weights[prefix + String(count)] != nil { count += 1 }
    return number == count - 2 ? .mean : number == count - 1 ? .variance : nil
  }
}
