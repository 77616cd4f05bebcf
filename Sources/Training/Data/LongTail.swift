import Glibc

/// Long-tailed training sets and balanced test sets.
enum LongTail {
  /// n_c = n_1 · γ^(−(c−1)/(C−1)), rounded, at least 1 (Cui et al. 2019).
  static func classSizes(largest: Int, imbalance: Double, classCount: Int) -> [Int] {
    (0..<classCount).map { label in
      let fraction = classCount > 1 ? Double(label) / Double(classCount - 1) : 0
      return max(1, Int((Double(largest) * pow(imbalance, -fraction)).rounded()))
    }
  }

  /// Holds out as many samples of each class, chosen at random.
  ///
  /// - Throws: `TrainingError` when a class has too few.
  static func split(_ data: DataSet, testPerClass: Int, seed: UInt64) throws(TrainingError)
    -> DataSplit
  {
    var training: [Int] = []
    var test: [Int] = []
    for (label, samples) in shuffledSamples(of: data, seed: seed).enumerated() {
      guard samples.count > testPerClass else {
        throw .badInput(
          "class \(label) has \(samples.count) samples, too few to hold out \(testPerClass)",
          hint: "choose a smaller --test-per-class")
      }
      test += samples[..<testPerClass]
      training += samples[testPerClass...]
    }
    return DataSplit(training: data.subset(training), test: data.subset(test))
  }

  /// Takes the first samples of each class, so that a set for a larger imbalance is part of that for a
  /// smaller one.
  ///
  /// - Parameter largest: the samples of the first class; nil for those of the smallest one.
  /// - Throws: `TrainingError` when a class has too few.
  static func reduce(_ data: DataSet, imbalance: Double, largest: Int?, seed: UInt64)
    throws(TrainingError) -> DataSet
  {
    let samples = shuffledSamples(of: data, seed: seed)
    let sizes = classSizes(
      largest: largest ?? samples.map(\.count).min() ?? 0, imbalance: imbalance,
      classCount: data.classCount)
    var chosen: [Int] = []
    for (label, size) in sizes.enumerated() {
      guard samples[label].count >= size else {
        throw .badInput(
          "class \(label) has \(samples[label].count) samples, but \(size) are asked for",
          hint: "choose smaller counts for each class")
      }
      chosen += samples[label][..<size]
    }
    return data.subset(chosen)
  }

  /// The samples of each class in random order.
  private static func shuffledSamples(of data: DataSet, seed: UInt64) -> [[Int]] {
    var samples = Array(repeating: [Int](), count: data.classCount)
    for (sample, label) in data.labels.enumerated() { samples[Int(label)].append(sample) }
    var random = RandomNumbers(seed: seed, purpose: .dataSplit)
    for label in samples.indices { samples[label].shuffle(using: &random) }
    return samples
  }
}
