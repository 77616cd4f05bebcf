import ArgumentParser
import CheckpointInspection
import Checkpoints
import FileIO
import JSONText
import SystemPackage
import TensorCore
import ToolSupport

/// `imwa-ckpt hash`.
struct HashCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hash",
    abstract: "Print a digest of what checkpoints hold, whatever their format.",
    discussion: """
      The digest is of names, shapes, dtypes and values: a converted file has the same. How it is made is \
      told in imwa-ckpt(1), so that it can be made elsewhere.

      \(Tool.exitStatusHelp)
      """)

  @Argument(
    help: ArgumentHelp(
      "Checkpoints: files, folders that hold a model, folders of checkpoints, or quoted patterns.",
      valueName: "in"))
  var inputs: [String]

  @Flag(help: "Print the plain SHA-256 of the files instead, as sha256sum does.")
  var files = false

  @Flag(help: "Print the digest of each tensor, too.")
  var perTensor = false

  @OptionGroup var patterns: NamePatternOptions

  @OptionGroup(title: "Which weights of a PyTorch file") var reading: InputOptions
  @OptionGroup(title: "Running") var running: WorkOptions

  func validate() throws {
    if files && perTensor {
      throw ValidationError("--files and --per-tensor cannot be used together")
    }
    if files && patterns.areGiven {
      throw ValidationError("--files is of whole files: leave --include and --exclude out")
    }
  }

  func run() throws {
    let tool = Tool(name: ImwaCkpt.toolName, talk: running.talk)
    try tool.run {
      var results: [JSONValue] = []
      let paths = try CheckpointInputs(inputs).paths.map(\.string)
      for reader in try tool.open(paths, reading) {
        results += files ? try hashFiles(of: reader) : [try hashContent(of: reader, tool)]
      }
      if running.json { try Console.output.write(JSONValue.array(results).text + "\n") }
    }
  }

  private func hashFiles(of reader: CheckpointReader) throws -> [JSONValue] {
    try reader.files.map { file in
      guard let digest = try file.sha256(unless: { Signals.noted != nil }) else {
        throw Interruption()
      }
      if !running.json {
        try Console.output.write("\(digest)  \(Tool.printable(file.path.string))\n")
      }
      return .object([.init("file", .string(file.path.string)), .init("sha256", .string(digest))])
    }
  }

  private func hashContent(of reader: CheckpointReader, _ tool: Tool) throws -> JSONValue {
    let selection = try TensorSelection(patterns.policy, [reader.weights])
    try selection.checkReadable([reader.weights], labels: [reader.path.string])
    let weights = try selection.chosen(of: reader.weights)
    let content = try tool.working(running) { options in
      try ContentDigest(of: weights, options: options)
    }
    if !running.json {
      if perTensor {
        let lines = content.tensors.map { "\(Tool.printable($0.line))\n" }.joined()
        try Console.output.write(lines)
      }
      try Console.output.write("\(content.digest)  \(Tool.printable(reader.path.string))\n")
    }
    var members: [JSONValue.Member] = [
      .init("path", .string(reader.path.string)), .init("digest", .string(content.digest)),
    ]
    if perTensor {
      let tensors = content.tensors.map { tensor in
        JSONValue.object([
          .init("name", .string(tensor.tensor.name)), .init("digest", .string(tensor.digest)),
        ])
      }
      members.append(.init("tensors", .array(tensors)))
    }
    return .object(members)
  }
}
