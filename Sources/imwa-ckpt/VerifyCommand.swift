import ArgumentParser
import CheckpointInspection
import Checkpoints
import FileIO
import JSONText
import SystemPackage
import TensorCore
import ToolSupport

/// `imwa-ckpt verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that checkpoints are whole and sound.",
    discussion: """
      Checks the structure, checksums where the format has some, an index against its shards, and that \
      every value can be read. What is wrong is told with its likely cause.

      \(Tool.exitStatusHelp(no: "something is wrong with a checkpoint"))
      """)

  @Argument(
    help: ArgumentHelp(
      "Checkpoints: files, folders that hold a model, folders of checkpoints, or quoted patterns.",
      valueName: "in"))
  var inputs: [String]

  @Flag(help: "Take NaN and infinity for damage.")
  var values = false

  @OptionGroup(title: "Running") var running: WorkOptions

  func run() throws {
    let tool = Tool(name: ImwaCkpt.toolName, talk: running.talk)
    try tool.run {
      var results: [CheckpointVerification] = []
      for path in try CheckpointInputs.expand(inputs) {
        let result = try tool.working(running) { options in
          try CheckpointVerification(of: path, checksValues: values, options: options)
        }
        for text in result.notices { tool.notice(text) }
        if !running.json && !running.quiet { try Console.output.write(lines(of: result)) }
        results.append(result)
      }
      if running.json {
        try Console.output.write(JSONValue.array(results.map(\.json)).text + "\n")
      }
      CurrentProcess.end(status: results.allSatisfy(\.isSound) ? 0 : 1)
    }
  }

  private func lines(of result: CheckpointVerification) -> String {
    if result.isSound {
      let files = result.fileCount == 1 ? "" : " in \(result.fileCount) files"
      let what =
        "\(result.format ?? ""), \(counted(result.tensorCount, "tensor"))\(files), "
        + ByteCount.text(result.byteCount)
      return Tool.printable("\(result.path): sound: \(what)") + "\n"
    }
    var lines: [String] = []
    for problem in result.problems.prefix(20) {
      lines.append(Tool.printable(problem.description))
      if let hint = problem.hint { lines.append("  hint: " + Tool.printable(hint)) }
    }
    if result.problems.count > 20 {
      lines.append(
        Tool.printable("\(result.path): and \(result.problems.count - 20) more; --json lists all"))
    }
    return lines.map { $0 + "\n" }.joined()
  }
}

extension CheckpointVerification {
  /// What was found, as JSON.
  fileprivate var json: JSONValue {
    .object([
      .init("path", .string(path.string)), .init("sound", .bool(isSound)),
      .init("format", format.map { .string($0) } ?? .null),
      .init("tensor_count", .integer(tensorCount)), .init("bytes", .integer(byteCount)),
      .init("notices", .array(notices.map { .string($0) })),
      .init(
        "problems",
        .array(
          problems.map { problem in
            .object([
              .init("description", .string(problem.description)),
              .init("hint", problem.hint.map { .string($0) } ?? .null),
            ])
          })),
    ])
  }
}

/// `1 tensor`, `12 tensors`.
func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
