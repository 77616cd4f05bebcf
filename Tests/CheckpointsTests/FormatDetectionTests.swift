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
