public import ArgumentParser
import Checkpoints
import SystemPackage
import ToolSupport
public import WeightDistance

/// One metric, or all of them.
enum MetricChoice: ExpressibleByArgument, Hashable {
  case named(String)
  case all

  init?(argument: String) {
    if argument == "all" {
      self = .all
    } else {
      guard DistanceMetrics.metric(named: argument) != nil else { return nil }
      self = .named(argument)
    }
  }

  static var allValueStrings: [String] { DistanceMetrics.all.map { $0.name } + ["all"] }

  var defaultValueDescription: String { name }

  /// The name of the metric, or `all`.
  var name: String {
    switch self {
    case .named(let name): name
    case .all: "all"
    }
  }

  /// The metrics that can be told, with or without a base.
  func metrics(hasBase: Bool) -> [any DistanceMetric.Type] {
    switch self {
    case .named(let name): DistanceMetrics.metric(named: name).map { [$0] } ?? []
    case .all: DistanceMetrics.all.filter { hasBase || !$0.needsBase }
    }
  }
}

/// What is measured.
struct MeasureOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "How distance is measured: \(MetricChoice.allValueStrings.joined(separator: ", ")).",
      valueName: "name"))
  var metric = MetricChoice.named("l2")

  @Option(
    help: ArgumentHelp(
      "The model that training started from: also measure the distances from it, and compare directions.",
      valueName: "init"))
  var base: String?

  @Flag(help: "Divide each distance by the mean size of the two models, measured alike.")
  var normalize = false

  @Flag(help: "Include BatchNorm statistics, optimizer state and integers.")
  var allTensors = false

  @OptionGroup var patterns: NamePatternOptions

  @Option(
    help: ArgumentHelp(
      "Match tensors by their names, or by their order in the model.", valueName: "way"))
  var match = AlignmentPolicy.Match.name

  @Option(
    help: ArgumentHelp("Tensors that a model lacks: an error; or left out.", valueName: "policy"))
  var missing = DistanceOptions.Missing.error
}

/// What is shown, and how.
struct DisplayOptions: ParsableArguments {
  /// The order of tensors and layers.
  enum Order: String, ExpressibleByArgument, CaseIterable {
    case order
    case name
    case distance
    case size
  }

  @Flag(help: "Tell each tensor by itself, too.")
  var perTensor = false

  @Flag(help: "Tell each layer by itself, too.")
  var perLayer = false

  @Option(
    help: ArgumentHelp(
      "Order tensors and layers: as in the first model; by name; the farthest first; the largest first.",
      valueName: "order|name|distance|size"))
  var sort: Order?

  @Option(
    help: ArgumentHelp(
      "Only the first tensors and layers; without --sort those that lie farthest apart.",
      valueName: "count"))
  var top: Int?

  @Flag(help: "Print the result as comma-separated values.")
  var csv = false

  @Option(
    help: ArgumentHelp(
      "Draw a heat map of the pairs or, with --per-layer, the distances along depth.",
      valueName: "file.svg|file.png"))
  var plot: String?

  @Flag(help: "Place the models in a plane by their distances, and draw that with --plot.")
  var map = false

  @Flag(help: "Replace the picture if it exists.")
  var force = false

  func validate() throws {
    if let top, top < 1 { throw ValidationError("--top must be at least 1, not \(top)") }
    if (top != nil || sort != nil) && !perTensor && !perLayer {
      throw ValidationError("--sort and --top are for --per-tensor and --per-layer")
    }
    if force && plot == nil { throw ValidationError("--force is for --plot") }
    if let plot, !plot.hasSuffix(".svg"), !plot.hasSuffix(".png") {
      throw ValidationError("--plot needs a name that ends in .svg or .png, not '\(plot)'")
    }
  }
}

/// What distances are no good.
struct GateOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Exit with 1 when a pair has a larger value.", valueName: "x"))
  var failAbove: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Exit with 1 when a pair has a smaller value.", valueName: "x"))
  var failBelow: Double?

  /// Whether there are any.
  var isUsed: Bool { failAbove != nil || failBelow != nil }

  func validate() throws {
    for limit in [failAbove, failBelow] where limit?.isNaN == true {
      throw ValidationError("a limit must be a number")
    }
  }

  /// Why a value is no good; nil when it is good. What is not a number is never good.
  func failure(_ value: Double) -> String? {
    if let failAbove, !(value <= failAbove) { return "above \(failAbove)" }
    if let failBelow, !(value >= failBelow) { return "below \(failBelow)" }
    return nil
  }
}

extension DistanceOptions.Missing: ExpressibleByArgument {}
