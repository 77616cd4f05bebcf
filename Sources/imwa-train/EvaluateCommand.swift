import ArgumentParser
import FileIO
import JSONText
import ToolSupport
import Training

/// `imwa-train evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Tell how good a model is on the test set, as a line of JSON.",
    discussion: """
      accuracy; balanced_accuracy (the mean recall of the classes); loss (cross-entropy); \
      expected_calibration_error (15 bins); head, medium, tail (the mean recall of the thirds of the classes \
      with most, fewer and fewest training samples; null when all have as many); recall of each class; \
      confusion (true class by predicted class).

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The model.", valueName: "file"))
  var model: String

  @Flag(help: "Judge by the training set instead.")
  var onTraining = false

  @OptionGroup(title: "Data") var data: DataOptions

  func run() throws {
    try Tool(name: ImwaTrain.toolName, talk: .normal).run {
      let source = try data.source()
      if ContractOptions.onlyChecksOptions { return }
      let split = try source.load()
      let evaluation = try Evaluation(
        Model(contentsOf: model), on: onTraining ? split.training : split.test,
        trainingSizes: split.training.classSizes)
      try Console.output.write(evaluation.json.text + "\n")
    }
  }
}
