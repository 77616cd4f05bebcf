import Foundation
import JSONText
import TestSupport
import Testing

/// A run with a trainer for tests, in a folder of its own.
struct TrialRun {
  let folder: TemporaryFolder
  /// The interpreter itself: what stands first on the path may be a script that looks for it.
  static let python =
    FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")
    ? "/usr/bin/python3" : "python3"
  static let trainer = Fixtures.package.appendingPathComponent("Tests/Oracle/fake_trainer.py").path

  /// Writes a plan of three episodes and two members.
  ///
  /// - Parameters:
  ///   - train: more words for the trainer, which make it behave badly.
  ///   - extra: more lines of the plan.
  init(
    _ train: [String] = [], episodes: Int = 3, members: Int = 2, iterations: Int = 36,
    evaluates: Bool = false, extra: String = ""
  ) throws {
    folder = try TemporaryFolder()
    let words = train.map { ", \"\($0)\"" }.joined()
    var text = """
      episodes: \(episodes)
      members: \(members)
      iterations: \(iterations)
      init: {command: [\(TrialRun.python), -I, -S, "\(TrialRun.trainer)", init]}
      suffix: .safetensors
      grace: 1s
      train: [\(TrialRun.python), -I, -S, "\(TrialRun.trainer)", train\(words)]

      """
    if evaluates {
      text += """
        evaluate:
          command: [\(TrialRun.python), -I, -S, "\(TrialRun.trainer)", evaluate\(words)]
          metric: accuracy
          on: [averages, members]

        """
    }
    // A pause between tries is what one test is about, and would only hold up the others.
    if !extra.contains("backoff:") { text += "backoff: 0\n" }
    try folder.write("plan.yaml", text: text + extra + "\n")
  }

  /// The result of a run of which nothing goes wrong.
  static let undisturbed = Result {
    let trial = try TrialRun()
    _ = try trial.start()
    return try trial.final()
  }

  var run: String { folder.file("run") }

  func tool(_ arguments: [String]) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-run", arguments, in: folder.path)
  }

  func start(_ more: [String] = []) throws -> ToolProcess.Result {
    try tool(["start", "plan.yaml", "--dir", "run"] + more)
  }

  func resume(_ more: [String] = []) throws -> ToolProcess.Result {
    try tool(["resume", "run"] + more)
  }

  /// The result's bytes.
  func final() throws -> [UInt8] { try folder.read("run/final.safetensors") }

  /// The values of a tensor of a file of the run.
  func values(_ file: String, _ tensor: String = "a") throws -> [Float] {
    let tensors = try SafetensorsFile.decode(try folder.read("run/" + file)).tensors
    return try #require(tensors[tensor]).floats
  }

  /// The lines of the journal with this event.
  func events(_ name: String) throws -> [JSONValue] {
    let lines = try folder.read("run/journal.jsonl").split(separator: UInt8(ascii: "\n"))
    return try lines.map { try JSONValue(parsing: Array($0)) }
      .filter { $0["event"]?.string == name }
  }

  /// Processes that still have to do with this run; a supervisor that has written how its trainer ended may
  /// take a moment to be gone.
  func leftBehind() throws -> [String] {
    for _ in 0..<200 where try !processes().isEmpty { usleep(20_000) }
    return try processes()
  }

  /// Processes that have to do with this run.
  func processes() throws -> [String] {
    let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter {
      Int($0) != nil
    }
    return numbers.compactMap { number in
      guard let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline"),
        let environment = FileManager.default.contents(atPath: "/proc/\(number)/environ")
      else { return nil }
      let text = String(decoding: line + environment, as: UTF8.self)
      return text.contains(folder.path + "/run/") ? "\(number) \(text.prefix(200))" : nil
    }
  }
}
