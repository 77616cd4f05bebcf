import ArgumentParser
import Training

/// Which data, and which part of it.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "digits, gaussian-mixture:SEPARATION", valueName: "data"))
  var data = "digits"

  @Option(
    help: ArgumentHelp(
      "How many times as many training samples the first class has as the last one, with the "
        + "others between them.", valueName: "γ"))
  var imbalance = 1.0

  @Option(
    help: ArgumentHelp(
      "The training samples of the first class. Default: all; with --imbalance those of the "
        + "smallest.", valueName: "count"))
  var largestClass: Int?

  @Option(
    help: ArgumentHelp(
      "The samples of each class to hold out for tests, where the data has no test set.",
      valueName: "count"))
  var testPerClass: Int?

  @Option(
    help: ArgumentHelp(
      "What decides which samples are held out and left out; for a mixture, all samples.",
      valueName: "number"))
  var dataSeed: UInt64 = 0

  /// The data that is asked for.
  ///
  /// - Throws: `TrainingError` for a text that names none.
  func source() throws -> DataSource {
    var source = try DataSource(described: data)
    source.imbalance = imbalance
    source.largestClass = largestClass
    source.testPerClass = testPerClass
    source.seed = dataSeed
    return source
  }
}
