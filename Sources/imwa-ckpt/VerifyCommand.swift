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
      every value can be read. What is wrong is told with its likely cause. Inputs behind one that is \
      missing are checked all the same.

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
      var failures: [ExitCode] = []
      // One that cannot be judged is told, and the others are checked all the same.
      func judge(_ path: FilePath, _ body: () throws -> Void) throws {
        do {
          try body()
        } catch let error as any DiagnosedError {
          if case .interrupted = error.kind { throw error }
          failures.append(tool.tell(error))
          results.append(CheckpointVerification(of: path, preventedBy: error))
        }
      }
      for input in inputs {
        try judge(FilePath(input)) {
          for path in try CheckpointInputs([input]).paths {
            try judge(path) { results.append(try verified(path, tool)) }
          }
        }
      }
      if running.json {
        try Console.output.write(JSONValue.array(results.map(\.json)).text + "\n")
      }
      // What could not be judged is among the results that are not sound.
      let damagedCount = results.count { !$0.isSound } - failures.count
      CurrentProcess.end(status: damagedCount > 0 ? 1 : failures.first?.rawValue ?? 0)
    }
  }

  private func verified(_ path: FilePath, _ tool: Tool) throws -> CheckpointVerification {
    let result = try tool.working(running) { options in
      try CheckpointVerification(of: path, checksValues: values, options: options)
    }
    for text in result.notices { tool.notice(text) }
    if !running.json && !running.quiet { try Console.output.write(lines(of: result)) }
    return result
  }

  private func lines(of result: CheckpointVerification) -> String {
    if result.isSound {
      let files = result.fileCount == 1 ? "" : " in \(result.fileCount) files"
      let what =
        "\(result.format ?? ""), \(counted(result.tensorCount, "tensor"))\(files), "
        + ByteCount.text(result.byteCount)
      return Tool.printable("\(result.path): sound\(unread(of: result)): \(what)") + "\n"
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

  /// What was not read, which is no damage.
  private func unread(of result: CheckpointVerification) -> String {
    guard let first = result.unreadable.first else { return "" }
    let count = counted(result.unreadable.count, "tensor")
    let which = result.unreadable.count == 1 ? "" : "the first "
    return ", but holds \(count) that this version does not read "
      + "(\(which)'\(first.name)': \(first.reason))"
  }
}

extension CheckpointVerification {
  /// What was found, as JSON.
  fileprivate var json: JSONValue {
    .object([
      .init("path", .string(path.string)), .init("sound", .bool(isSound)),
      .init("format", format.map { .string($0) } ?? .null),
      .init("tensor_count", .integer(tensorCount)), .init("bytes", .integer(byteCount)),
      .init("unreadable", .array(unreadable.map(\.json))),
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
