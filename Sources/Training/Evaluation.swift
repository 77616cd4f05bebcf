import CTrainingKernels
public import JSONText

/// How good a model is on labelled samples.
public struct Evaluation: Sendable, Hashable {
  /// How many samples of each class (outer) were taken for each class (inner).
  public let confusion: [[Int]]
  /// The mean cross-entropy.
  public let loss: Double
  /// Σ over 15 bins of confidence of |accuracy − mean confidence|, weighted by samples (Naeini et al. 2015).
  public let expectedCalibrationError: Double
  /// The training samples of each class, which tell head from tail; nil when they are not known.
  public let trainingSizes: [Int]?

  private static let binCount = 15

  /// Judges a model by samples.
  ///
  /// - Throws: `TrainingError` when the model is for other data.
  public init(_ model: Model, on data: DataSet, trainingSizes: [Int]? = nil) throws {
    try model.checkFits(data)
    var confusion = Array(
      repeating: Array(repeating: 0, count: data.classCount), count: data.classCount)
    var loss = 0.0
    var bins = Array(repeating: (count: 0, right: 0, confidence: 0.0), count: Evaluation.binCount)
    model.predict(data) { sample, probabilities in
      let label = Int(data.labels[sample])
      let (best, confidence) = probabilities.largest
      confusion[label][best] += 1
      // A probability can be rounded to zero.
      loss -= imwa_logarithm(Double(max(probabilities[label], .leastNormalMagnitude)))
      let bin = min(
        Int(Double(confidence) * Double(Evaluation.binCount)), Evaluation.binCount - 1)
      bins[bin].count += 1
      bins[bin].right += best == label ? 1 : 0
      bins[bin].confidence += Double(confidence)
    }
    self.confusion = confusion
    self.loss = loss / Double(max(data.count, 1))
    expectedCalibrationError =
      bins.reduce(0) { $0 + abs(Double($1.right) - $1.confidence) } / Double(max(data.count, 1))
    self.trainingSizes = trainingSizes
  }

  /// The share of samples that were taken for their class.
  public var accuracy: Double {
    let right = confusion.indices.reduce(0) { $0 + confusion[$1][$1] }
    return Double(right) / Double(max(sampleCount, 1))
  }

  /// The number of samples.
  public var sampleCount: Int { confusion.reduce(0) { $0 + $1.reduce(0, +) } }

  /// The share of each class's samples that were taken for it; nil for a class without samples.
  public var recalls: [Double?] {
    confusion.enumerated().map { label, row in
      let count = row.reduce(0, +)
      return count > 0 ? Double(row[label]) / Double(count) : nil
    }
  }

  /// The mean of the classes' recalls.
  public var balancedAccuracy: Double { meanRecall(of: Array(confusion.indices)) ?? 0 }

  /// The mean recalls of the third of the classes with most training samples, of the middle, and of the
  /// third with fewest; nil when all have as many, or the sizes are not known.
  public var headMediumTail: (head: Double?, medium: Double?, tail: Double?)? {
    guard let trainingSizes, Set(trainingSizes).count > 1 else { return nil }
    let order = trainingSizes.indices.sorted {
      (trainingSizes[$1], $0) < (trainingSizes[$0], $1)
    }
    let first = (order.count + 2) / 3
    let second = (order.count - first + 1) / 2 + first
    return (
      meanRecall(of: Array(order[..<first])), meanRecall(of: Array(order[first..<second])),
      meanRecall(of: Array(order[second...]))
    )
  }

  private func meanRecall(of classes: [Int]) -> Double? {
    let values = classes.compactMap { recalls[$0] }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// All figures as one object; shares are between 0 and 1.
  public var json: JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map { .float($0) } ?? .null }
    let groups = headMediumTail
    return .object([
      JSONValue.Member("samples", .integer(sampleCount)),
      JSONValue.Member("accuracy", .float(accuracy)),
      JSONValue.Member("balanced_accuracy", .float(balancedAccuracy)),
      JSONValue.Member("loss", .float(loss)),
      JSONValue.Member("expected_calibration_error", .float(expectedCalibrationError)),
      JSONValue.Member("head", number(groups?.head)),
      JSONValue.Member("medium", number(groups?.medium)),
      JSONValue.Member("tail", number(groups?.tail)),
      JSONValue.Member("recall", .array(recalls.map { number($0) })),
      JSONValue.Member(
        "confusion", .array(confusion.map { .array($0.map { .integer($0) }) })),
    ])
  }
}

extension Model {
  /// Calls `body` with each sample's number and the probabilities of the classes.
  public func predict(_ data: DataSet, _ body: (Int, Probabilities) -> Void) {
    let network = Network(layout, capacity: min(max(data.count, 1), 256))
    network.predict(data, model: self) { range, buffer, stride in
      for sample in range {
        let start = (sample - range.lowerBound) * stride
        body(
          sample, Probabilities(buffer.values(in: start..<start + architecture.classCount)))
      }
    }
  }

  /// Checks that samples have the features and classes that the model is for.
  ///
  /// - Throws: `TrainingError` when their numbers differ.
  public func checkFits(_ data: DataSet) throws(TrainingError) {
    guard architecture.inputCount == data.featureCount, architecture.classCount == data.classCount
    else {
      throw TrainingError.badInput(
        "the model takes \(architecture.inputCount) features and knows \(architecture.classCount) "
          + "classes, but the data has \(data.featureCount) and \(data.classCount)",
        hint: "make a model for this data with 'imwa-train init', or give the data it was made for")
    }
  }
}

/// The probabilities of the classes for one sample.
public struct Probabilities: Sendable {
  /// One for each class.
  public let values: [Float]

  init(_ values: [Float]) { self.values = values }

  /// That of a class.
  public subscript(label: Int) -> Float { values[label] }

  /// The likeliest class, the first of several, and its probability.
  public var largest: (label: Int, probability: Float) {
    var best = 0
    for label in values.indices where values[label] > values[best] { best = label }
    return (best, values[best])
  }
}
