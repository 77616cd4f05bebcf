import ArgumentParser
import CheckpointInspection
import Checkpoints
import FileIO
import JSONText
import TensorCore
import ToolSupport

/// `imwa-ckpt diff`.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Tell where two checkpoints differ, whatever their formats.",
    discussion: """
      Names, shapes, dtypes and values are compared, and what else the files hold: metadata, \
      configurations, vocabularies, text, records, attributes; between files of two formats, what both \
      can hold. What cannot be compared is named, and is no proof that they are the same. Without a limit, values are the same when their bits are. With one, numbers are compared: what is within any \
      of the limits is the same, and so are all NaN.

      \(Tool.exitStatusHelp(no: "they differ"))
      """)

  @Argument(help: ArgumentHelp("The first checkpoint.", valueName: "a"))
  var first: String

  @Argument(help: ArgumentHelp("The second checkpoint.", valueName: "b"))
  var second: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("|a − b| may be so large, for example 1e-6.", valueName: "x"))
  var abs: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "|a − b| divided by the larger magnitude may be so large, for example 1e-5.", valueName: "x"))
  var rel: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Floats of one dtype may be so many representable values apart.", valueName: "count"))
  var ulp: Int?

  @Option(
    help: ArgumentHelp(
      "Match tensors by their names, or by their order in the model.", valueName: "way"))
  var match = AlignmentPolicy.Match.name

  @Flag(help: "Compare nothing but the tensors.")
  var noMetadata = false

  @OptionGroup var patterns: NamePatternOptions

  @OptionGroup(title: "Which weights of a PyTorch file") var reading: InputOptions
  @OptionGroup(title: "Running") var running: WorkOptions

  func validate() throws {
    for (limit, name) in [(abs, "--abs"), (rel, "--rel")] {
      if let limit, !(limit >= 0) { throw ValidationError("\(name) must be at least 0") }
    }
    if let ulp, ulp < 0 { throw ValidationError("--ulp must be at least 0") }
  }

  func run() throws {
    let tool = Tool(name: ImwaCkpt.toolName, talk: running.talk)
    try tool.run {
      let readers = try tool.open([first, second], reading)
      var tolerance = ElementTolerance()
      tolerance.absolute = abs
      tolerance.relative = rel
      tolerance.steps = ulp
      let comparison = try tool.working(running) { options in
        try CheckpointComparison(
          of: readers[0], readers[1], choosing: patterns.policy, match: match, tolerance: tolerance,
          ignoresMetadata: noMetadata,
          options: options)
      }
      if comparison.fitsByPosition {
        tool.notice("shapes and dtypes agree in their order: --match position compares by it")
      }
      let result = DiffResult(comparison: comparison, first: first, second: second)
      if running.json {
        try Console.output.write(result.json.text + "\n")
      } else if !running.quiet {
        try Console.output.write(result.text)
      }
      withExtendedLifetime(readers) { CurrentProcess.end(status: comparison.isSame ? 0 : 1) }
    }
  }
}
