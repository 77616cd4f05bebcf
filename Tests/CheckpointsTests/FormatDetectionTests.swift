import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct FormatDetectionTests {
  @Test(
    arguments: [
      (
        Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\n".utf8), "git-lfs pointer"
      ),
      (Array("\n  <!DOCTYPE HTML><html>".utf8), "a web page"),
      (Array("<html><body>".utf8), "a web page"),
      (Array("<?xml version=\"1.0\"?><Error>".utf8), "an XML message"),
      ([], "the file is empty"),
      (Array("GGUF\u{3}".utf8), "GGUF"),
      (Array("GGUF\u{3}\0\0\0\0".utf8), "GGUF"),
      ([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9], "its pickle is cut off"),
      ([0x80, 0x02, 0x4E, 0x2E], "a Python pickle"),
    ] as [([UInt8], String)])
  func whatIsNoCheckpointIsNamed(bytes: [UInt8], words: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("model.safetensors", bytes)
    let error = #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: path) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    #expect(error?.kind == .badInput)
    #expect(error?.hint != nil)
  }

  @Test(arguments: [
    ("variables.index", "TensorFlow checkpoint"), ("group1-shard1of1.bin", "TensorFlow.js"),
    ("x.msgpack", "Flax"), ("x.onnx", "ONNX"), ("x.tflite", "TensorFlow Lite"),
    ("x.params", "MXNet"), ("pytorch_model.bin", "known format"),
  ])
  func filesOfOtherProgramsAreNamed(name: String, words: String) throws {
    let contents: [String: [UInt8]] = [
      "variables.index": [0, 0, 0, 0, 0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB],
      "x.msgpack": [0x81, 0xA1, 0x77], "x.onnx": [0x08, 0x07],
      "x.tflite": [0x1C, 0, 0, 0] + Array("TFL3".utf8), "x.params": [0x12, 1, 0, 0, 0, 0, 0, 0],
    ]
    let folder = try TemporaryFolder()
    let path = try folder.write(name, contents[name] ?? [0, 0, 0, 0])
    let error = #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: path) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    #expect(error?.hint != nil)
  }

  @Test(arguments: [
    (["saved_model.pb"], "SavedModel"), (["_CHECKPOINT_METADATA"], "Orbax"),
    (["model.json", "group1-shard1of2.bin"], "TensorFlow.js"),
    (["ckpt-1.index", "ckpt-1.data-00000-of-00001"], "TensorFlow checkpoint"),
  ])
  func foldersOfOtherProgramsAreNamed(names: [String], words: String) throws {
    let folder = try TemporaryFolder()
    for name in names { _ = try folder.write(name, [0]) }
    let error = #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: folder.path) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func theNameDoesNotMatter() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("model.bin", SafetensorsFile.encode([.init("w", [1])]))
    #expect(try WeightMap(contentsOf: path).count == 1)
    let other = try folder.write("other.bin", Array("hello, world".utf8))
    #expect(throws: CheckpointError.self) { try WeightMap(contentsOf: other) }
  }

  @Test func aHeaderWhoseLengthLooksLikeAnotherFormatIsRead() throws {
    // 0x0280 header bytes: the file starts as pickles of protocol 2 do.
    let entry = SafetensorsFile.Entry("w", [1])
    let plain = SafetensorsFile.encode([entry])
    let header = String(decoding: plain[8..<plain.count - 4], as: UTF8.self)
    let padded = header + String(repeating: " ", count: 0x280 - header.utf8.count)
    let bytes = SafetensorsFile.encode(header: padded, data: entry.bytes)
    #expect(bytes.starts(with: [0x80, 0x02]))
    let folder = try TemporaryFolder()
    #expect(try WeightMap(contentsOf: try folder.write("w.safetensors", bytes)).count == 1)
  }

  @Test func missingFilesAndDanglingLinksAreToldApart() throws {
    let folder = try TemporaryFolder()
    let missing = #expect(throws: CheckpointError.self) {
      try WeightMap(contentsOf: folder.file("none"))
    }
    #expect(missing?.kind == .missingInput)
  }
}
