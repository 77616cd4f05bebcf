import Checkpoints
import JSONText
import TestSupport
import Testing
import Training

/// `imwa-train` as a run calls it.
@Suite struct StepCommandTests {
  private func run(_ arguments: [String], in folder: TemporaryFolder) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-train", arguments, in: folder.path)
  }

  @Test func networksLearnTheDigits() throws {
    let folder = try TemporaryFolder()
    #expect(try run(["init", "-o", "start.safetensors"], in: folder).status == 0)
    let step = try run(
      ["step", "--init", "start.safetensors", "--out", "end.safetensors", "--to-iteration", "400"],
      in: folder)
    #expect(step.status == 0, "\(step.errors)")
    let lines = step.output.split(separator: "\n")
    #expect(lines.count == 20)
    let last = try JSONValue(parsing: Array(lines[19].utf8))
    #expect(last["iteration"]?.integer == 400)
    #expect(try #require(last["loss"]?.double) < 0.1)
    let before = try run(["evaluate", "start.safetensors"], in: folder)
    let after = try run(["evaluate", "end.safetensors"], in: folder)
    #expect(try accuracy(before) < 0.4)
    #expect(try accuracy(after) > 0.95)
  }

  private func accuracy(_ result: ToolProcess.Result) throws -> Double {
    #expect(result.status == 0, "\(result.errors)")
    let report = try JSONValue(parsing: Array(result.output.utf8))
    return try #require(report["balanced_accuracy"]?.double)
  }
}
