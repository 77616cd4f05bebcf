public import SystemPackage

/// Labelled samples of one length.
public struct DataSet {
  /// The number of features of a sample.
  public let featureCount: Int
  /// The number of classes; labels are below it.
  public let classCount: Int
  /// The class of each sample.
  public let labels: [Int32]
  /// What the data calls its classes: their numbers, unless it says otherwise.
  public internal(set) var classNames: [String]

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
    classNames = (0..<classCount).map { String($0) }
  }

  /// These samples, in this order.
  public func subset(_ samples: [Int]) -> DataSet {
    let buffer = FloatBuffer(count: max(samples.count, 1) * rows.stride)
    for (place, sample) in samples.enumerated() {
      buffer.copy(
        from: rows.buffer, range: sample * rows.stride..<(sample + 1) * rows.stride,
        to: place * rows.stride)
    }
    var subset = DataSet(
      rows: TrainingLoops.Rows(buffer: buffer, count: samples.count, stride: rows.stride),
      labels: samples.map { labels[$0] }, featureCount: featureCount, classCount: classCount)
    subset.classNames = classNames
    return subset
  }

  /// The mean and the deviation of each feature; a deviation of 1 where all values are alike.
  var moments: (means: [Double], deviations: [Double]) {
    var sums = Array(repeating: (0.0, 0.0), count: featureCount)
    for sample in 0..<count {
      for (feature, value) in features(of: sample).enumerated() {
        sums[feature].0 += Double(value)
        sums[feature].1 += Double(value) * Double(value)
      }
    }
    let total = Double(max(count, 1))
    let means = sums.map { $0.0 / total }
    let deviations = zip(sums, means).map { sum, mean in
      let variance = sum.1 / total - mean * mean
      // What rounding leaves of a constant is no variance.
      return variance > 1e-12 * (sum.1 / total) ? variance.squareRoot() : 1
    }
    return (means, deviations)
  }

  /// The same samples with other features: less the mean, in units of the deviation.
  func standardized(by moments: (means: [Double], deviations: [Double])) -> DataSet {
    let result = subset(Array(0..<count))
    for sample in 0..<count {
      let values = features(of: sample).enumerated().map { feature, value in
        Float((Double(value) - moments.means[feature]) / moments.deviations[feature])
      }
      result.rows.buffer.copy(from: values, to: sample * rows.stride)
    }
    return result
  }

  /// The features of a sample.
  public func features(of sample: Int) -> [Float] {
    rows.buffer.values(in: sample * rows.stride..<sample * rows.stride + featureCount)
  }
}

/// What a model is trained on, and what it is judged by.
public struct DataSplit {
  /// The samples to train on.
  public internal(set) var training: DataSet
  /// The samples to judge by; as many of each class when they were held out here.
  public internal(set) var test: DataSet
  /// How features were standardised; nil when they were not.
  var moments: (means: [Double], deviations: [Double])?

  init(training: DataSet, test: DataSet) {
    self.training = training
    self.test = test
  }

  /// Samples without labels from a table, prepared as these are.
  ///
  /// - Throws: `FileError`, `TrainingError` for fields that are no numbers and lines of another length.
  public func unlabelled(_ path: FilePath) throws -> DataSet {
    let table = try CSVTable(DataFile.bytes(path), label: path.string)
    let width = table.lines[0].fields.count
    guard width == training.featureCount else {
      throw TrainingError.badInput(
        "\(path): expected \(training.featureCount) columns, one for each feature, found \(width)")
    }
    var samples = try DataSet(
      features: table.features(), labels: Array(repeating: 0, count: table.lines.count),
      featureCount: width, classCount: training.classCount)
    samples.classNames = training.classNames
    return moments.map { samples.standardized(by: $0) } ?? samples
  }
}
