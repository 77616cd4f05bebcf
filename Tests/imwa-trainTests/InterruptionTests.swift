import Foundation
import TestSupport
import Testing

/// What signals leave behind: a step writes all at its end, or nothing.
@Suite struct InterruptionTests {
  @Test(arguments: [SIGINT, SIGTERM, SIGKILL], [UInt32(3_000), 400_000])
  func signalsLeaveNothing(signal: Int32, microseconds: UInt32) throws {
    let folder = try TemporaryFolder()
    #expect(
      try ToolProcess.run("imwa-train", ["init", "-o", "start.safetensors"], in: folder.path).status
        == 0)
    let process = try ToolProcess(
      "imwa-train",
      [
        "step", "--init", "start.safetensors", "--out", "end.safetensors", "--state-out", "state",
        "--to-iteration", "1000000000",
      ], in: folder.path)
    try process.start()
    usleep(microseconds)
    process.send(signal)
    let result = try process.finish()
    #expect(result.status == 128 + signal)
    #expect(try folder.names() == ["start.safetensors"])
  }
}
