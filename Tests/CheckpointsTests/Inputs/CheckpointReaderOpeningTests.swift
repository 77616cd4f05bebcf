import SystemPackage
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct CheckpointReaderOpeningTests {
  @Test func checkpointsComeInTheOrderOfTheirPaths() throws {
    let folder = try TemporaryFolder()
    let paths = try (0..<20).map { number in
      FilePath(
        try folder.write(
          "\(number).safetensors",
          SafetensorsFile.encode([.init("w", [Float](repeating: 0, count: number + 1))])))
    }
    let readers = try CheckpointReader.open(paths)
    #expect(readers.map(\.path) == paths)
    #expect(readers.map { $0.weights.tensors[0].info.shape.elementCount } == Array(1...20))
  }

  @Test func theFirstErrorIsTold() throws {
    let folder = try TemporaryFolder()
    let names = ["good", "missing", "damaged"]
    try folder.write("good", SafetensorsFile.encode([.init("w", [1])]))
    try folder.write("damaged", text: "")
    for _ in 0..<10 {
      let error = #expect(throws: CheckpointError.self) {
        try CheckpointReader.open(names.map { FilePath(folder.file($0)) })
      }
      #expect(error?.path == FilePath(folder.file("missing")))
    }
  }
}
