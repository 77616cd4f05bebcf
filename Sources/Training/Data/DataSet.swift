/// Labelled samples of one length.
public struct DataSet {
  /// The number of features of a sample.
  public let featureCount: Int
  /// The number of classes; labels are below it.
  public let classCount: Int
  /// The class of each sample.
  public let labels: [Int32]

  /// The features, a sample in each row.
  let rows: TrainingLoops.Rows

  /// The number of samples.
  public var count: Int { labels.count }

  /// How many samples each class has.
  public var classSizes: [Int] {
    labels.reduce(into: Array(repeating: 0, count: classCount)) { $0[Int($1)] += 1 }
  }

  /// Holds samples; features follow each other sample by sample.
  ///
  /// - Throws: `TrainingError` when the numbers do not fit together.
  public init(features: [Float], labels: [Int32], featureCount: Int, classCount: Int)
    throws(TrainingError)
  {
    guard featureCount > 0, features.count == labels.count * featureCount else {
      throw TrainingError.badInput(
        "\(features.count) features do not make \(labels.count) samples of "
          + "\(featureCount)")
    }
    guard labels.allSatisfy({ $0 >= 0 && $0 < classCount }) else {
      throw TrainingError.badInput("a label is not below the number of classes, \(classCount)")
    }
    let stride = FloatBuffer.padded(featureCount)
    let buffer = FloatBuffer(count: max(labels.count, 1) * stride)
    for sample in labels.indices {
      let start = sample * featureCount
      buffer.copy(from: Array(features[start..<start + featureCount]), to: sample * stride)
    }
    self.init(
      rows: TrainingLoops.Rows(buffer: buffer, count: labels.count, stride: stride), labels: labels,
      featureCount: featureCount, classCount: classCount)
  }

  init(rows: TrainingLoops.Rows, labels: [Int32], featureCount: Int, classCount: Int) {
    precondition(rows.count == labels.count)
    self.rows = rows
    self.labels = labels
    self.featureCount = featureCount
    self.classCount = classCount
  }

  /// These samples, in this order.
  public func subset(_ samples: [Int]) -> DataSet {
    let buffer = FloatBuffer(count: max(samples.count, 1) * rows.stride)
    for (place, sample) in samples.enumerated() {
      buffer.copy(
        from: rows.buffer, range: sample * rows.stride..<(sample + 1) * rows.stride,
        to: place * rows.stride)
    }
    return DataSet(
      rows: TrainingLoops.Rows(buffer: buffer, count: samples.count, stride: rows.stride),
      labels: samples.map { labels[$0] }, featureCount: featureCount, classCount: classCount)
  }

  /// The features of a sample.
  public func features(of sample: Int) -> [Float] {
    rows.buffer.values(in: sample * rows.stride..<sample * rows.stride + featureCount)
  }
}

/// What a model is trained on, and what it is judged by.
public struct DataSplit {
  /// The samples to train on.
  public let training: DataSet
  /// The samples to judge by; as many of each class when they were held out here.
  public let test: DataSet

  init(training: DataSet, test: DataSet) {
    self.training = training
    self.test = test
  }
}
