import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct PreparedOutputTests {
  private func tensor(_ name: String, count: Int) throws -> Tensor {
    Tensor(
      try TensorInfo(name: name, dtype: .float64, shape: Shape([count])),
      storage: .bytes(MemoryBytes([]), offset: 0))
  }

  @Test func aDiskThatIsTooSmallIsNoticedBeforeAByteIsWritten() throws {
    let folder = try TemporaryFolder()
    let huge = try WeightMap([tensor("w", count: 1 << 50)])
    let error = #expect(throws: CheckpointError.self) {
      try PreparedOutput(huge, to: OutputRequest(path: FilePath(folder.file("o.safetensors"))))
    }
    #expect(error?.kind == .inputOutput)
    #expect(error?.reason.hasPrefix("the output needs 9.01 PB, but only ") == true)
    #expect(try folder.names() == [])
  }

  @Test func aNameThatTellsNoFormatIsRefused() throws {
    let map = try WeightMap([tensor("w", count: 0)])
    let error = #expect(throws: CheckpointError.self) {
      try PreparedOutput(map, to: OutputRequest(path: "o.weights"))
    }
    #expect(error?.kind == .usage)
  }

  @Test func anEmptyModelIsWritten() throws {
    let folder = try TemporaryFolder()
    try WeightMap([]).write(to: folder.file("o.safetensors"))
    #expect(try WeightMap(contentsOf: folder.file("o.safetensors")).count == 0)
    #expect(try folder.read("o.safetensors").count == 16)
  }

  @Test(arguments: [
    (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (1234, "1.23 kB"), (12_345, "12.3 kB"),
    (123_456, "123 kB"), (999_600, "1 MB"), (1_052_830_992, "1.05 GB"), (Int.max, "9223 PB"),
  ])
  func numbersOfBytesHaveThreeDigits(count: Int, text: String) {
    #expect(ByteCount.text(count) == text)
  }
}
