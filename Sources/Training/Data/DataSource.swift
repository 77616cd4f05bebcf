/// Where samples come from, and which of them are used.
public struct DataSource: Sendable, Hashable {
  /// A kind of data.
  public enum Origin: Sendable, Hashable {
    /// The handwritten digits that are part of the program.
    case digits
    /// Samples that are drawn from a mixture of normal distributions.
    case gaussianMixture(separation: Double)
  }

  /// The kind of data.
  public var origin: Origin
  /// How many times as many samples the first class has for training as the last one.
  public var imbalance = 1.0
  /// The training samples of the first class; nil for all, or with an imbalance those of the smallest.
  public var largestClass: Int?
  /// The samples of each class that are held out for tests, where the data has no test set of its own.
  public var testPerClass: Int?
  /// What decides which samples are held out and which are left out; for mixtures, the samples too.
  public var seed: UInt64 = 0

  /// Takes all of an origin.
  public init(_ origin: Origin) { self.origin = origin }

  /// Reads a name with what belongs to it behind a colon: `digits`, `gaussian-mixture:1.2`.
  ///
  /// - Throws: `TrainingError` for another text.
  public init(described text: String) throws(TrainingError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("digits", 1): self.init(.digits)
    case ("gaussian-mixture", _):
      let numbers = try ParameterText(text, what: "data").parameters([1.2], in: 0...100)
      self.init(.gaussianMixture(separation: numbers[0]))
    default:
      throw TrainingError.usage(
        "there is no data '\(text)'",
        hint: "the data sets are digits and gaussian-mixture:separation")
    }
  }

  /// Reads or draws the samples.
  ///
  /// - Throws: `TrainingError` for data that is damaged or too little, `FileError`.
  public func load() throws -> DataSplit {
    guard imbalance >= 1, imbalance.isFinite else {
      throw TrainingError.usage("the imbalance must be at least 1, not \(imbalance)")
    }
    for (count, option) in [(largestClass, "--largest-class"), (testPerClass, "--test-per-class")] {
      if let count, !(1...1 << 24).contains(count) {
        throw TrainingError.usage("\(option) must be between 1 and \(1 << 24), not \(count)")
      }
    }
    let split = try splitOfOrigin()
    guard imbalance > 1 || largestClass != nil else { return split }
    return DataSplit(
      training: try LongTail.reduce(
        split.training, imbalance: imbalance, largest: largestClass, seed: seed),
      test: split.test)
  }

  private func splitOfOrigin() throws -> DataSplit {
    switch origin {
    case .digits:
      return try LongTail.split(
        HandwrittenDigits.load(), testPerClass: testPerClass ?? 48, seed: seed)
    case .gaussianMixture(let separation):
      let mixture = GaussianMixture(separation: separation, seed: seed)
      return DataSplit(
        training: mixture.samples(perClass: largestClass ?? 300, for: .mixtureTraining),
        test: mixture.samples(perClass: testPerClass ?? 200, for: .mixtureTest))
    }
  }
}
