import ArgumentParser
import Checkpoints
import SystemPackage
import ToolSupport
import WeightDistance

/// The tool: one command.
@main
struct ImwaDist: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "imwa-dist",
    abstract: "Tell how far neural-network checkpoints lie apart.",
    discussion: """
      All pairs are measured in one pass over the files. Differences are taken before they are squared, \
      and added in float64 with the rounding errors kept. BatchNorm statistics, optimizer state and \
      integers do not count unless --all-tensors is given.

      EXAMPLES
        imwa-dist a.safetensors b.safetensors
        imwa-dist run-*/model.safetensors --per-layer --plot depth.svg
        imwa-dist a.safetensors b.safetensors --base init.safetensors --metric all
        imwa-dist old.h5 new.h5 --metric relative-l2 --fail-below 1e-3

      \(Tool.exitStatusHelp(no: "a distance is beyond --fail-above or --fail-below"))
      """,
    version: Provenance.toolkitVersion)

  static let toolName = "imwa-dist"

  @Argument(
    help: ArgumentHelp(
      "Checkpoints: files, folders that hold a model, folders of checkpoints, or quoted patterns.",
      valueName: "model"))
  var models: [String]

  @OptionGroup(title: "Reading") var input: InputOptions
  @OptionGroup(title: "What is measured") var measure: MeasureOptions
  @OptionGroup(title: "What is shown") var display: DisplayOptions
  @OptionGroup(title: "Gates") var gates: GateOptions
  @OptionGroup(title: "Running") var running: RunOptions

  func validate() throws {
    if display.csv && running.json {
      throw ValidationError("--csv and --json cannot be used together")
    }
    if gates.isUsed && measure.metric == .all {
      throw ValidationError("--fail-above and --fail-below need one metric, not all")
    }
    if display.map, measure.metric.metrics(hasBase: true)[0].isSimilarity {
      throw ValidationError("--map needs a distance, and \(measure.metric.name) is a similarity")
    }
  }

  func run() throws {
    let tool = Tool(name: ImwaDist.toolName, talk: running.talk)
    try tool.run {
      let paths = try CheckpointInputs(models).paths
      let job = DistanceJob(
        tool: tool, input: input, measure: measure, display: display, gates: gates, run: running,
        paths: paths)
      try job.perform()
    }
  }
}
