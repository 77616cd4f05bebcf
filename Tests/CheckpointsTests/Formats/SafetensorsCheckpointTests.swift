import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct SafetensorsCheckpointTests {
  private func order(_ tensors: [(String, DType, Int)]) throws -> [String] {
    let folder = try TemporaryFolder()
    let map = try WeightMap(
      tensors.map { name, dtype, count in
        try Tensor(
          name: name, shape: Shape([count]), encoding: ElementEncoding(dtype),
          bytes: [UInt8](repeating: 0, count: count * dtype.elementUnit))
      })
    try map.write(to: folder.file("out.safetensors"))
    return try WeightMap(contentsOf: folder.file("out.safetensors")).tensors.map(\.info.name)
  }

  @Test func theOrderIsKeptWhereTensorsAreAligned() throws {
    #expect(
      try order([("z", .float32, 2), ("a", .float64, 1), ("m", .float16, 4)]) == ["z", "a", "m"])
  }

  @Test func widerElementsComeFirstWhereOneWouldNotBeAligned() throws {
    #expect(
      try order([("h", .float16, 1), ("z", .float32, 1), ("d", .float64, 1), ("g", .float16, 1)])
        == ["d", "z", "h", "g"])
  }

  @Test func tensorsThatAreNotAlignedInTheInputAreRead() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "w.safetensors",
      SafetensorsFile.encode([.init("h", "U8", [1], [9]), .init("w", [1.5, -2])]))
    #expect(try WeightMap(contentsOf: path)["w"]?.values() == [1.5, -2])
  }

  @Test func damageIsToldWithThePath() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "w.safetensors", Array(SafetensorsFile.encode([.init("w", [1, 2])]).dropLast(3)))
    let error = #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: path) }
    #expect(
      error?.description == "\(path): the header describes 8 bytes of data, the file has 5")
  }
}
