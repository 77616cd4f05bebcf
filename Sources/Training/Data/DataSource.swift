public import SystemPackage

/// Where samples come from, and which of them are used.
public struct DataSource: Sendable, Hashable {
  /// A kind of data.
  public enum Origin: Sendable, Hashable {
    /// The handwritten digits that are part of the program.
    case digits
    /// Samples that are drawn from a mixture of normal distributions.
    case gaussianMixture(separation: Double)
    /// A folder with the four files of MNIST.
    case mnist(FilePath)
    /// A folder with CIFAR-10 in its binary version.
    case cifar10(FilePath)
    /// A folder with CIFAR-100 in its binary version.
    case cifar100(FilePath)
    /// A table with a column of labels.
    case csv(FilePath)
    /// A file with the arrays x_train, y_train, x_test and y_test, or x and y.
    case arrays(FilePath)
  }

  /// The kind of data.
  public var origin: Origin
  /// How many times as many samples the first class has for training as the last one.
  public var imbalance = 1.0
  /// The training samples of the first class; nil for all, or with an imbalance those of the smallest.
  public var largestClass: Int?
  /// The test samples of each class: held out, or taken from the test set that the data has.
  public var testPerClass: Int?
  /// The name or, from 1 on, the number of a table's column of labels; nil for the last.
  public var labelColumn: String?
  /// Whether features are shifted and scaled to have mean 0 and deviation 1 over the training samples.
  public var standardizes = false
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
    case ("mnist", 2): self.init(.mnist(FilePath(String(parts[1]))))
    case ("cifar10", 2): self.init(.cifar10(FilePath(String(parts[1]))))
    case ("cifar100", 2): self.init(.cifar100(FilePath(String(parts[1]))))
    case ("csv", 2): self.init(.csv(FilePath(String(parts[1]))))
    case ("arrays", 2): self.init(.arrays(FilePath(String(parts[1]))))
    default:
      throw TrainingError.usage(
        "there is no data '\(text)'",
        hint: "digits, gaussian-mixture:SEPARATION, mnist:FOLDER, cifar10:FOLDER, cifar100:FOLDER, "
          + "csv:FILE and arrays:FILE are known")
    }
  }

  /// Reads or draws the samples.
  ///
  /// - Throws: `TrainingError` for data that is damaged or too little, `FileError`.
  public func load() throws -> DataSplit {
    guard imbalance >= 1, imbalance.isFinite else {
      throw TrainingError.usage("the imbalance must be at least 1, not \(imbalance)")
    }
    if labelColumn != nil, !isTable {
      throw TrainingError.usage("--label names a column of a csv file, which this data is not")
    }
    for (count, option) in [(largestClass, "--largest-class"), (testPerClass, "--test-per-class")] {
      if let count, !(1...1 << 24).contains(count) {
        throw TrainingError.usage("\(option) must be between 1 and \(1 << 24), not \(count)")
      }
    }
    var split = try splitOfOrigin()
    if imbalance > 1 || largestClass != nil {
      split.training = try LongTail.reduce(
        split.training, imbalance: imbalance, largest: largestClass, seed: seed)
    }
    if standardizes {
      let moments = split.training.moments
      split.training = split.training.standardized(by: moments)
      split.test = split.test.standardized(by: moments)
      split.moments = moments
    }
    return split
  }

  private var isTable: Bool {
    if case .csv = origin { true } else { false }
  }

  private func splitOfOrigin() throws -> DataSplit {
    switch origin {
    case .digits:
      return try LongTail.split(
        HandwrittenDigits.load(), testPerClass: testPerClass ?? 48, seed: seed)
    case .mnist(let folder): return try balanced(ImageFolders.mnist(folder))
    case .cifar10(let folder): return try balanced(ImageFolders.cifar10(folder))
    case .cifar100(let folder): return try balanced(ImageFolders.cifar100(folder))
    case .csv(let path):
      let table = try CSVTable(DataFile.bytes(path), label: path.string)
      return try held(out: table.dataSet(labelColumn: labelColumn))
    case .arrays(let path):
      let parts = try ArrayFile(path.string).parts()
      return try parts.test.map { try balanced(DataSplit(training: parts.training, test: $0)) }
        ?? held(out: parts.training)
    case .gaussianMixture(let separation):
      let mixture = GaussianMixture(separation: separation, seed: seed)
      return DataSplit(
        training: mixture.samples(perClass: largestClass ?? 300, for: .mixtureTraining),
        test: mixture.samples(perClass: testPerClass ?? 200, for: .mixtureTest))
    }
  }

  /// Takes as many test samples of each class as are asked for, from a test set that the data has.
  private func balanced(_ split: DataSplit) throws -> DataSplit {
    guard let testPerClass else { return split }
    return DataSplit(
      training: split.training,
      test: try LongTail.reduce(split.test, imbalance: 1, largest: testPerClass, seed: seed))
  }

  /// Holds out a fifth of the smallest class from each, unless it is said how many.
  private func held(out data: DataSet) throws -> DataSplit {
    let smallest = data.classSizes.min() ?? 0
    return try LongTail.split(data, testPerClass: testPerClass ?? max(1, smallest / 5), seed: seed)
  }
}
