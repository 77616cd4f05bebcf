public import ArgumentParser
package import Checkpoints
package import FileIO
package import SystemPackage
import TensorCore

/// How the work runs and what is told.
package struct WorkOptions: ParsableArguments {
  @Option(
    name: [.customShort("j", allowingJoined: true), .long],
    help: ArgumentHelp(
      "How many threads work; the result is the same for any number.", valueName: "count"))
  package var threads: Int?

  @Flag(help: "Print the result as JSON.")
  package var json = false

  @Flag(name: .shortAndLong, help: "Print nothing but errors.")
  package var quiet = false

  /// Needed by the parser.
  package init() {}

  /// Checks the numbers.
  package func validate() throws {
    if let threads, threads < 1 {
      throw ValidationError("--threads must be at least 1, not \(threads)")
    }
  }

  /// How much the tool talks.
  package var talk: Tool.Talk { quiet ? .quiet : .normal }

  /// The options of a stream that shows its progress.
  package func streamOptions(progress: ProgressLine) -> StreamOptions {
    StreamOptions(
      threads: threads ?? CurrentProcess.processorCount,
      interruption: { Signals.noted },
      progress: { progress.update(done: $0, total: $1) })
  }
}

/// How the work runs, what NaN means, and what is told.
package struct RunOptions: ParsableArguments {
  @OptionGroup package var work: WorkOptions

  @Flag(name: .customLong("allow-nan"), help: "Take NaN and infinity for values like others.")
  package var allowsNaN = false

  /// Needed by the parser.
  package init() {}

  /// How many threads work; nil for as many as there are processors.
  package var threads: Int? { work.threads }
  /// Whether the result is printed as JSON.
  package var json: Bool { work.json }
  /// Whether nothing but errors is printed.
  package var quiet: Bool { work.quiet }
  /// How much the tool talks.
  package var talk: Tool.Talk { work.talk }

  /// The options of a stream that shows its progress.
  package func streamOptions(progress: ProgressLine) -> StreamOptions {
    var options = work.streamOptions(progress: progress)
    options.nonFinite = allowsNaN ? .allow : .refuse
    return options
  }
}

/// Where the result goes.
package struct OutputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file, folder or index to write. A name that ends in / or is asked for shards is a folder.",
      valueName: "out"))
  package var output: String

  @Option(
    help: ArgumentHelp(
      "The format of the output: \(FormatChoice.allValueStrings.joined(separator: ", ")). "
        + "Default: the one that its name tells, or that of the first input.",
      valueName: "name"))
  package var format: FormatChoice?

  @Flag(help: "Replace the output if it exists. It is the old or the new at every moment.")
  package var force = false

  @Flag(help: "Check everything and say what would be written, but write nothing.")
  package var dryRun = false

  @Option(
    help: ArgumentHelp(
      "Write a folder of files of at most this size, with an index: 5GB, 500MB.",
      valueName: "size"))
  package var maxShardSize: ByteSize?

  @Option(
    help: ArgumentHelp(
      "Compress the tensors of a new HDF5 file by deflate at this level, 1 to 9.",
      valueName: "level"))
  package var compress: Int?

  @Option(
    help: ArgumentHelp(
      "full: the result is on the disk when the tool ends. none: for scratch files.",
      valueName: "level"))
  package var durability = Durability.full

  @Flag(
    help: "Read inputs and output again, compute again, and compare, before the output appears.")
  package var verify = false

  @Flag(help: "Do not record in the output how it was made.")
  package var noProvenance = false

  @Flag(help: "Record the SHA-256 of the inputs in the output.")
  package var hashInputs = false

  /// Needed by the parser.
  package init() {}

  /// Whether what is written, by the name of the output, may get its structure from the first input.
  package var takesStructure: Bool {
    if dryRun { return false }
    return format?.format.describesModels
      ?? CheckpointFormats.takesStructure(output: FilePath(output))
  }

  /// Whether what is written keeps what the first input holds beside its weights, so that other copies of the model in
  /// it have to be averaged, too.
  package var keepsCopies: Bool {
    if maxShardSize != nil { return false }
    return (format?.format ?? CheckpointFormats.format(forOutput: FilePath(output)))
      .map { $0 == PyTorchCheckpoint.self } ?? true
  }

  /// Checks that the options go together.
  package func validate() throws {
    if noProvenance && hashInputs {
      throw ValidationError("--hash-inputs records hashes, which --no-provenance forbids")
    }
    if let compress, !(1...9).contains(compress) {
      throw ValidationError("--compress must be between 1 and 9, not \(compress)")
    }
    if output.isEmpty { throw ValidationError("--output needs a name") }
    if output == "-" {
      throw ValidationError(
        "--output needs the name of a file: checkpoints are not written to standard output "
          + "(./- is a file of that name)")
    }
  }
}

/// Which part of an input is read.
package struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The part of a PyTorch file that holds the weights, as a dotted path; . for all of the file.",
      valueName: "path"))
  package var key: String?

  @Flag(
    name: .customLong("use-ema"),
    help: "Read the averages that training kept in a PyTorch file instead of the weights.")
  package var usesAverage = false

  @Flag(
    help:
      "Refuse a PyTorch file with objects of unknown classes instead of leaving them out, and options that find no tensor to act on."
  )
  package var strict = false

  /// Needed by the parser.
  package init() {}

  /// Checks that the options go together.
  package func validate() throws {
    if key != nil && usesAverage {
      throw ValidationError("--key and --use-ema cannot be used together")
    }
    if key?.isEmpty == true { throw ValidationError("--key needs a path; . is all of the file") }
  }

  /// The options as the library takes them.
  package var reading: ReadingOptions {
    ReadingOptions(key: key, usesAverage: usesAverage, isStrict: strict)
  }

  /// Opens checkpoints.
  ///
  /// - Parameters:
  ///   - givesStructure: whether an output may be made like the first.
  ///   - takesCopies: whether other copies of the model beside the weights are read, too.
  /// - Throws: the error of the first that cannot be opened; that none is of the kind that the options are for.
  package func open(
    _ paths: [FilePath], givesStructure: Bool = false, takesCopies: Bool = false
  ) throws -> [CheckpointReader] {
    var reading = reading
    reading.givesStructure = givesStructure
    reading.takesCopies = takesCopies
    let readers = try CheckpointReader.open(paths, options: reading)
    guard reading.isDefault || readers.contains(where: \.isPyTorch) else {
      throw ValidationError("--key and --use-ema are for PyTorch files, and none is given")
    }
    return readers
  }
}

/// What to do where inputs differ.
package struct AlignmentOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write averaged tensors as F64, F32, F16, BF16, F8_E4M3 or F8_E5M2.", valueName: "dtype"))
  package var outDtype: FloatingDType?

  @OptionGroup package var patterns: NamePatternOptions

  @Option(
    help: ArgumentHelp(
      "Tensors find each other by name; or by position, where counters in names differ. Default: name.",
      valueName: "way"))
  package var match: AlignmentPolicy.Match?

  @Option(
    help: ArgumentHelp(
      "Tensors that an input lacks: an error; left out; or averaged over the inputs that have them. Default: error.",
      valueName: "policy"))
  package var missing: AlignmentPolicy.Missing?

  @Option(
    help: ArgumentHelp(
      "Integers that differ: those of the first input; the largest; or an error. Default: counters of the first; what is too large for a counter is an error.",
      valueName: "policy"))
  package var integers: AlignmentPolicy.Integers?

  @Option(
    help: ArgumentHelp(
      "Optimizer state: left out; that of the first input; or averaged. Default: first.",
      valueName: "policy"))
  package var optimizer: AlignmentPolicy.Optimizer?

  @Option(
    help: ArgumentHelp(
      "Statistics of batch normalisation: averaged; those of the first input; or pooled. Default: average.",
      valueName: "policy"))
  package var batchNorm: AlignmentPolicy.BatchNorm?

  @Flag(help: "Average models whose configurations give the same tensors another meaning.")
  package var allowConfigDifferences = false

  /// Needed by the parser.
  package init() {}

  /// The options as the library takes them.
  package var policy: AlignmentPolicy {
    var policy = AlignmentPolicy()
    policy.outputDType = outDtype?.dtype
    policy.include = patterns.included
    policy.exclude = patterns.excluded
    if let match { policy.match = match }
    if let batchNorm { policy.batchNorm = batchNorm }
    if let missing { policy.missing = missing }
    policy.integers = integers
    if let optimizer { policy.optimizer = optimizer }
    return policy
  }
}

/// Which of many checkpoints are meant.
package struct SelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only the last checkpoints, by the numbers in their names.", valueName: "count"))
  package var last: Int?

  @Option(
    help: ArgumentHelp(
      "Only the best checkpoints by --metric, from the JSON file beside each or from their names.",
      valueName: "count"))
  package var best: Int?

  @Option(
    help: ArgumentHelp(
      "The metric for --best: val_loss, or an expression for a number in names: 'name:-([0-9.]+)[.]h5$'.",
      valueName: "name"))
  package var metric: String?

  @Option(help: ArgumentHelp("Whether a small or a large metric is good.", valueName: "min|max"))
  package var mode: MetricSelection.Mode?

  /// Needed by the parser.
  package init() {}

  /// Checks that the options go together.
  package func validate() throws {
    for (count, option) in [(last, "--last"), (best, "--best")] {
      if let count, count < 1 {
        throw ValidationError("\(option) must be at least 1, not \(count)")
      }
    }
    if last != nil && best != nil {
      throw ValidationError("--last and --best cannot be used together")
    }
    if best != nil && (metric == nil || mode == nil) {
      throw ValidationError("--best needs --metric NAME and --mode min or --mode max")
    }
    if best == nil && (metric != nil || mode != nil) {
      throw ValidationError("--metric and --mode are for --best")
    }
  }
}

extension Durability: ExpressibleByArgument {}
extension AlignmentPolicy.BatchNorm: ExpressibleByArgument {}
extension AlignmentPolicy.Match: ExpressibleByArgument {}
extension AlignmentPolicy.Missing: ExpressibleByArgument {}
extension AlignmentPolicy.Integers: ExpressibleByArgument {}
extension AlignmentPolicy.Optimizer: ExpressibleByArgument {}
extension MetricSelection.Mode: ExpressibleByArgument {}
