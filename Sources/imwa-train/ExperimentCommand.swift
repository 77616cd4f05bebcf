import ArgumentParser
import FileIO
import JSONText
import ToolSupport
import Training

/// `imwa-train experiment`.
struct ExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment",
    abstract: "Compare averaging with plain training on a made-up problem, over several seeds.",
    discussion: """
      Twenty classes from a mixture of normal distributions in 32 dimensions, a perceptron with 128 hidden \
      units, class-weighted cross-entropy, a constant learning rate of 0.05, input noise, 2000 iterations \
      of 32 samples, a shared start of 100. Two models that are averaged at the end (vanilla MWA) or 20 times \
      (IMWA), with moving averages (EMA) and without, against one model, and against one that is trained \
      twice as long. Printed are means over the seeds with their standard errors, and paired differences.

      \(Tool.exitStatusHelp)
      """)

  @Option(help: ArgumentHelp("How many seeds.", valueName: "count"))
  var seeds = 8

  @Option(
    help: ArgumentHelp(
      "The imbalances to compare: how many times as many samples the first class has as the last.",
      valueName: "γ,γ,…"))
  var imbalances = NumberList([1, 50])

  @Flag(help: "Print the results of every seed as JSON.")
  var json = false

  func validate() throws {
    guard (1...1000).contains(seeds) else {
      throw ValidationError("--seeds must be between 1 and 1000, not \(seeds)")
    }
    guard imbalances.numbers.allSatisfy({ (1...300).contains($0) }) else {
      throw ValidationError("--imbalances must be between 1 and 300")
    }
  }

  func run() throws {
    try Tool(name: ImwaTrain.toolName, talk: .normal).run {
      let summaries = try imbalances.numbers.map { imbalance in
        var experiment = LongTailExperiment()
        experiment.imbalance = imbalance
        experiment.seeds = (0..<UInt64(seeds)).map { 100 + $0 }
        let outcomes = try experiment.run(interruption: { Signals.noted })
        return ExperimentSummary(imbalance: imbalance, outcomes: outcomes)
      }
      let text =
        json
        ? JSONValue.array(summaries.map(\.json)).text + "\n"
        : summaries.map(ExperimentTable.text).joined(separator: "\n")
          + "\n" + ExperimentTable.verdict(summaries)
      try Console.output.write(text)
    }
  }
}

/// The results of an experiment for people.
enum ExperimentTable {
  /// The results for one imbalance.
  static func text(_ summary: ExperimentSummary) -> String {
    let count = summary.outcomes.count
    var lines = [
      "imbalance \(number(summary.imbalance, 0)): balanced test accuracy in %, mean ± standard error of "
        + "\(count) seed\(count == 1 ? "" : "s")",
      row("", "accuracy", "over single model", "over vanilla MWA"),
    ]
    for method in LongTailExperiment.Method.allCases {
      lines.append(
        row(
          method.rawValue, estimate(summary.accuracy(method), isSigned: false),
          method == .single ? "" : paired(summary.gain(of: method, over: .single)),
          [.iterative, .iterativeMovingAverage].contains(method)
            ? paired(summary.gain(of: method, over: .vanilla)) : ""))
    }
    lines.append(
      row("L2 distance of two", estimate(summary.distance, isSigned: false), "", ""))
    return lines.joined(separator: "\n") + "\n"
  }

  /// What holds, in words.
  static func verdict(_ summaries: [ExperimentSummary]) -> String {
    let claims = summaries.map { summary in
      let single = summary.gain(of: .iterative, over: .single)
      let long = summary.gain(of: .iterative, over: .twiceAsLong)
      return "At imbalance \(number(summary.imbalance, 0)) and this learning rate, IMWA is "
        + "\(comparison(single)) one model, and \(comparison(long)) one model trained twice as long."
    }
    let limits =
      "When each method has its own best learning rate, training twice as long is as good as IMWA or "
      + "better; and that models lie farther from each other under imbalance is seen with class weights only."
    return (claims + [limits]).joined(separator: "\n") + "\n"
  }

  /// Whether a difference is larger than its error, said carefully.
  private static func comparison(_ gain: MeanEstimate) -> String {
    guard gain.mean.magnitude > 2 * gain.standardError else { return "about as good as" }
    return "\(number(gain.mean.magnitude, 1)) points \(gain.mean > 0 ? "better" : "worse") than"
  }

  private static func paired(_ gain: MeanEstimate) -> String {
    estimate(gain, isSigned: true) + " (\(gain.positiveCount)/\(gain.count))"
  }

  private static func estimate(_ estimate: MeanEstimate, isSigned: Bool) -> String {
    let sign = isSigned && estimate.mean >= 0 ? "+" : ""
    return sign + number(estimate.mean, 2) + " ± " + number(estimate.standardError, 2)
  }

  private static func row(_ name: String, _ columns: String...) -> String {
    var line = "  " + name.padded(to: 20)
    for (column, width) in zip(columns, [16, 22, 0]) { line += column.padded(to: width) }
    return String(line.reversed().drop { $0 == " " }.reversed())
  }

  /// A number with so many digits behind the point.
  private static func number(_ value: Double, _ digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
    let scaled = Int((value.magnitude * Double(scale)).rounded())
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale)."
      + String(repeating: "0", count: digits - fraction.count) + fraction
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(width - count, 0))
  }
}
