import FileIO
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

/// What every format must do; a new one is tested as soon as it is in the list.
@Suite struct FormatConformanceTests {
  @Test func theListNamesEveryFileOfTheFolder() throws {
    let files = try Fixtures.sourceNames(in: "Checkpoints/Formats")
    let listed = Set(CheckpointFormats.all.map { "\($0)" })
    #expect(files.filter { $0.hasSuffix("Checkpoint") } == listed)
    #expect(Set(CheckpointFormats.all.map { $0.name }).count == CheckpointFormats.all.count)
  }

  private func sample() throws -> WeightMap {
    try WeightMap(
      [
        Tensor(name: "layer/kernel", shape: Shape([2, 3]), values: [1, -2, 3.5, -0.0, 1e-40, 6]),
        Tensor(
          name: "half", shape: Shape([2]), encoding: ElementEncoding(.float16),
          bytes: [0, 0x3C, 1, 0]),
        Tensor(
          name: "steps", shape: Shape([]), encoding: ElementEncoding(.int64),
          bytes: [7, 0, 0, 0, 0, 0, 0, 0x80]),
        Tensor(name: "empty", shape: Shape([0, 4]), values: []),
      ], metadata: ["format": "pt", "note": "é\n\""])
  }

  @Test(arguments: CheckpointFormats.all.filter { $0.writesFromTensorsAlone }.map { $0.name })
  func valuesAndMetadataSurvive(name: String) throws {
    let format = try #require(CheckpointFormats.all.first { $0.name == name })
    let folder = try TemporaryFolder()
    let path = folder.file("out" + format.suffixes[0])
    let weights = try sample()
    try weights.write(to: path)
    let read = try WeightMap(contentsOf: path)
    #expect(read.metadata == weights.metadata)
    #expect(Set(read.tensors.map(\.info)) == Set(weights.tensors.map(\.info)))
    for tensor in weights.tensors {
      #expect(try read[tensor.info.name]?.bytes() == tensor.bytes())
    }
    let start = Array(try folder.read("out" + format.suffixes[0]).prefix(512))
    let isRecognized = format.recognizes(start: start)
    #expect(isRecognized)
  }

  @Test(arguments: CheckpointFormats.all.filter { $0.writesFromTensorsAlone }.map { $0.name })
  func theSameWeightsGiveTheSameBytes(name: String) throws {
    let format = try #require(CheckpointFormats.all.first { $0.name == name })
    let folder = try TemporaryFolder()
    let files = try ["a", "b"].map { stem in
      try sample().write(to: folder.file(stem + format.suffixes[0]))
      return try folder.read(stem + format.suffixes[0])
    }
    #expect(files[0] == files[1])
  }

  @Test(arguments: CheckpointFormats.all.filter { $0.writesFromTensorsAlone }.map { $0.name })
  func damageNeverCrashes(name: String) throws {
    let format = try #require(CheckpointFormats.all.first { $0.name == name })
    let folder = try TemporaryFolder()
    try sample().write(to: folder.file("out" + format.suffixes[0]))
    let original = try folder.read("out" + format.suffixes[0])
    var generator = SplitMix(seed: 99)
    for _ in 0..<300 {
      var bytes = original
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
      case 1: bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 0xFF
      default: bytes.append(contentsOf: [0, 1, 2])
      }
      let path = try folder.write("damaged" + format.suffixes[0], bytes)
      do {
        for tensor in try WeightMap(contentsOf: path).tensors { _ = try tensor.bytes() }
      } catch let error as any DiagnosedError {
        #expect(error.kind == .badInput)
        #expect(error.description.contains("damaged"))
      }
    }
  }
}
