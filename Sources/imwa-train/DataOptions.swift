import ArgumentParser
import Training

/// Which data, and which part of it.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "digits, gaussian-mixture:SEPARATION, mnist:FOLDER, cifar10:FOLDER, cifar100:FOLDER, csv:FILE, "
        + "arrays:FILE (with x_train, y_train, x_test, y_test, or x and y).", valueName: "data"))
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
      "The test samples of each class: held out, or of the data's own test set. Default: 48 of the "
        + "digits, 200 of a mixture, else a fifth or the test set.",
      valueName: "count"))
  var testPerClass: Int?

  @Option(
    help: ArgumentHelp(
      "The column of labels of a csv file, by name or number. Default: the last.",
      valueName: "column"))
  var label: String?

  @Flag(help: "Shift and scale features to mean 0 and deviation 1 over the training samples.")
  var standardize = false

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
    source.labelColumn = label
    source.standardizes = standardize
    source.seed = dataSeed
    return source
  }
}
