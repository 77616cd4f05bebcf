import ArgumentParser
import Checkpoints
import FileIO
import JSONText
import ToolSupport
import Training

/// `imwa-train step`.
struct StepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Train a model for some iterations: what a member of a run does in an episode.",
    discussion: """
      What a run says to its trainer can be given as options or, as imwa-run does, as variables of the \
      environment, whose names are in brackets. Training in one step and in several, with the state carried \
      over, gives the same bits, on the same kind of processor. Progress is printed as lines of JSON.

      \(Tool.exitStatusHelp)
      """)

  @OptionGroup(title: "What a run says") var contract: ContractOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Files") var files: FileOptions

  @Option(
    help: ArgumentHelp(
      "Print a line of progress after so many iterations; 0 for none. Default: twenty lines.",
      valueName: "count"))
  var progressEvery: Int?

  func run() throws {
    var step = try contract.step()
    try Tool(name: ImwaTrain.toolName, talk: .normal).run {
      step.settings = try training.settings()
      let source = try data.source()
      if ContractOptions.onlyChecksOptions { return }
      step.existing = files.existing
      step.durability = files.durability
      let interval = progressEvery ?? max(step.iterations.count / 20, 1)
      var progress = Progress(interval: interval, end: step.iterations.upperBound)
      try step.run(on: source.load().training) { iteration, loss in
        try progress.note(iteration, loss)
      }
    }
  }

  /// Lines of JSON on standard output.
  private struct Progress {
    let interval: Int
    let end: Int
    private var sum = 0.0
    private var count = 0

    init(interval: Int, end: Int) {
      self.interval = interval
      self.end = end
    }

    /// Takes an iteration in, and tells the mean loss since the last line when it is time.
    mutating func note(_ iteration: Int, _ loss: Double) throws {
      if let signal = Signals.noted { throw TrainingInterruption(signal: signal) }
      guard interval > 0 else { return }
      sum += loss
      count += 1
      guard count == interval || iteration + 1 == end else { return }
      let line = JSONValue.object([
        JSONValue.Member("iteration", .integer(iteration + 1)),
        JSONValue.Member("loss", .float(sum / Double(count))),
      ])
      (sum, count) = (0, 0)
      try Console.output.write(line.text + "\n")
    }
  }
}
