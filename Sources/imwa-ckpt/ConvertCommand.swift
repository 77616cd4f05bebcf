import ArgumentParser
import CheckpointInspection
import Checkpoints
import FileIO
import SystemPackage
import TensorCore
import ToolSupport

/// `imwa-ckpt convert`.
struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Write a checkpoint in another format, dtype, cut or with other names.",
    discussion: """
      Values pass unchanged, NaN included, unless --out-dtype asks for another dtype. What the new format \
      cannot hold is listed before anything is written, and is an error unless --skip-unsupported is given. \
      imwa-formats(5) tells what each format can hold.

      \(Tool.exitStatusHelp)
      """)

  @Argument(
    help: ArgumentHelp("A file, an index, or a folder that holds a model.", valueName: "in"))
  var input: String

  @Option(
    help: ArgumentHelp(
      "Write floating-point tensors as F64, F32, F16, BF16, F8_E4M3 or F8_E5M2.", valueName: "dtype"
    ))
  var outDtype: FloatingDType?

  @OptionGroup var patterns: NamePatternOptions

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Change names as sed -E does: 's/^model\\.//'. Can be given several times.",
      valueName: "s/a/b/"))
  var rename: [String] = []

  @Option(help: ArgumentHelp("Change the names that a JSON object lists.", valueName: "file"))
  var map: String?

  @Flag(help: "Write tensors that are one under several names one by one.")
  var untie = false

  @Flag(help: "Leave out what the format cannot hold.")
  var skipUnsupported = false

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Which weights of a PyTorch file") var reading: InputOptions
  @OptionGroup(title: "Running") var running: RunOptions

  func validate() throws {
    if map != nil && !rename.isEmpty {
      throw ValidationError("--map and --rename cannot be used together")
    }
  }

  func run() throws {
    let tool = Tool(name: ImwaCkpt.toolName, talk: running.talk)
    try tool.run {
      let reader = try tool.open([input], reading, givesStructure: output.takesStructure)[0]
      let chosen = reading.reading.choosesPart ? reader.chosenPart : (part: reader, outside: [])
      try ConvertJob(
        tool: tool, output: output, run: running, options: try options(),
        renaming: renaming, isStrict: reading.strict, outside: chosen.outside
      ).perform(chosen.part)
    }
  }

  /// The option that changes names, as it was typed.
  private var renaming: String? {
    map.map { "--map \($0)" } ?? rename.first.map { "--rename \($0)" }
  }

  private func options() throws -> ConversionOptions {
    var options = ConversionOptions()
    options.policy.outputDType = outDtype?.dtype
    options.policy.include = patterns.included
    options.policy.exclude = patterns.excluded
    options.unties = untie
    options.cutsFiles = output.maxShardSize != nil
    options.skipsUnsupported = skipUnsupported
    if let map {
      options.names = try NameChange(readingMap: FilePath(map))
    } else if !rename.isEmpty {
      options.names = .substitutions(try rename.map { try NameSubstitution($0) })
    }
    return options
  }
}
