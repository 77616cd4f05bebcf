import ArgumentParser
import FileIO
import JSONText
import SystemPackage
import ToolSupport
import Training

/// `imwa-train predict`.
struct PredictCommand: ParsableCommand {
  /// How predictions are printed.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case csv
    case json
  }

  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Print the likeliest class and the probabilities of all for each sample.",
    discussion: """
      The samples are those of the test set, with their true class as 'label', or with --input the lines \
      of a csv file of features alone. --data is that which the model was trained with: it names the classes, \
      and with --standardize its training samples tell how.

      \(Tool.exitStatusHelp)
      """)

  @Argument(help: ArgumentHelp("The model.", valueName: "file"))
  var model: String

  @Option(help: ArgumentHelp("A csv file of features, without labels.", valueName: "file"))
  var input: String?

  @Option(
    help: ArgumentHelp(
      "csv: a line of names, then a line for each sample. json: an object for each.",
      valueName: "format"))
  var format = Format.csv

  @OptionGroup(title: "Data") var data: DataOptions

  func run() throws {
    try Tool(name: ImwaTrain.toolName, talk: .normal).run {
      let split = try data.source().load()
      let samples = try input.map { try split.unlabelled(FilePath($0)) } ?? split.test
      let model = try Model(contentsOf: model)
      try model.checkFits(samples)
      var lines = ""
      if format == .csv {
        let names = samples.classNames.map { PredictCommand.field("p(\($0))") }
        lines = (labels + ["class"] + names).joined(separator: ",") + "\n"
      }
      model.predict(samples) { sample, probabilities in
        lines += line(samples, sample, probabilities) + "\n"
      }
      try Console.output.write(lines)
    }
  }

  /// The name of the column of true classes, when they are known.
  private var labels: [String] { input == nil ? ["label"] : [] }

  private func line(_ samples: DataSet, _ sample: Int, _ probabilities: Probabilities) -> String {
    let names = samples.classNames
    let label = names[Int(samples.labels[sample])]
    let best = names[probabilities.largest.label]
    switch format {
    case .csv:
      let texts = (labels.map { _ in label } + [best]).map(PredictCommand.field)
      return (texts + probabilities.values.map(\.description)).joined(separator: ",")
    case .json:
      let numbers = probabilities.values.map { JSONValue.number($0.description) }
      return JSONValue.object(
        labels.map { JSONValue.Member($0, .string(label)) } + [
          JSONValue.Member("class", .string(best)),
          JSONValue.Member("probabilities", .array(numbers)),
        ]
      ).text
    }
  }

  /// A field, in quotes when it needs them.
  private static func field(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\""
      + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
      + "\""
  }
}
