import Checkpoints
import Foundation
import JSONText
import TensorCore
import TestSupport
import Testing

/// The tool as a process: conversions.
@Suite struct ConvertCommandTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    // A NaN with a payload, a negative zero, a subnormal number.
    let special = [0x7FC0_1234, 0xFFA0_0001, 0x8000_0000, 0x0000_0001] as [UInt32]
    try folder.write(
      "in.safetensors",
      SafetensorsFile.encode(
        [
          .init("model.h.0.w", special.map { Float(bitPattern: $0) }, shape: [2, 2]),
          .init("model.h.0.n", "I64", [1], [7, 0, 0, 0, 0, 0, 0, 0x80]),
          .init("head", [1, 2]),
        ], metadata: ["note": "é"]))
  }

  private func run(_ arguments: String...) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-ckpt", arguments, in: folder.path)
  }

  private func names(_ file: String) throws -> [String] {
    try WeightMap(contentsOf: folder.file(file)).tensors.map(\.info.name)
  }

  @Test(arguments: CheckpointFormats.all.filter { $0.writesFromTensorsAlone }.map { $0.name })
  func bitsPassThroughEveryFormat(name: String) throws {
    let format = try #require(CheckpointFormats.all.first { $0.name == name })
    let file = "out" + format.suffixes[0]
    let result = try run("convert", "in.safetensors", "-o", file)
    #expect(result.status == 0, "\(result.errors)")
    let back = try run("convert", file, "-o", "back.safetensors")
    #expect(back.status == 0, "\(back.errors)")
    let hashes = try run("hash", "in.safetensors", file, "back.safetensors").output
    #expect(Set(hashes.split(separator: "\n").map { $0.prefix(64) }).count == 1)
    let diff = try run("diff", "in.safetensors", "back.safetensors")
    #expect(diff.status == 0, "\(diff.output)")
  }

  @Test func outputsThatAreNoFilesAreRefused() throws {
    let standard = try run("convert", "in.safetensors", "-o", "-", "--format", "numpy")
    #expect(standard.status == 64)
    #expect(standard.errors.contains("not written to standard output"), "\(standard.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("-")))
    let pipe = try ToolProcess.run(
      "imwa-ckpt",
      ["convert", "in.safetensors", "-o", "/dev/fd/9", "--format", "numpy", "--force"],
      limits: "-c 0; exec 9> >(cat > /dev/null)", in: folder.path)
    #expect(pipe.status == 73)
    #expect(pipe.errors.contains("it is a device or pipe"), "\(pipe.errors)")
  }

  @Test func aMapMayBeAPipe() throws {
    let result = try ToolProcess.run(
      "imwa-ckpt", ["convert", "in.safetensors", "-o", "out.npz", "--map", "/dev/fd/9"],
      limits: "-c 0; exec 9< <(echo '{\"head\": \"tail\"}')", in: folder.path)
    #expect(result.status == 0, "\(result.errors)")
    #expect(try names("out.npz").contains("tail"))
  }

  @Test func aPartOfATrainingCheckpointIsWrittenAlone() throws {
    let input = Fixtures.path("torch/fullckpt_s1.pt")
    for (key, count) in [("model", 15), ("optimizer", 36)] {
      let options = key == "optimizer" ? ["--skip-unsupported"] : []
      let result = try ToolProcess.run(
        "imwa-ckpt", ["convert", input, "--key", key, "-o", "\(key).pt"] + options, in: folder.path)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("\(key).pt: PyTorch, \(count) tensors"))
      #expect(result.errors.contains("not in the part that was asked for: left out"))
      #expect(try names("\(key).pt").count == count)
    }
    let whole = try run("convert", input, "--key", ".", "-o", "whole.pt")
    #expect(whole.status == 0 && whole.errors == "", "\(whole.errors)")
  }

  @Test func namesAreChangedAsBySed() throws {
    let result = try run(
      "convert", "in.safetensors", "-o", "out.safetensors", "--rename", "s/^model\\.//",
      "--rename", "s|h\\.([0-9]+)\\.(.)|block\\1/\\2|")
    #expect(result.status == 0, "\(result.errors)")
    #expect(Set(try names("out.safetensors")) == ["block0/w", "block0/n", "head"])
    for (text, reason) in [
      ("s/x/y/", "changes no name"), ("s/(/y/", "no regular expression"),
      ("y/a/b/", "no substitution"), ("s/head/\\1/", "its pattern has no group"),
      ("s/.*/same/", "would both be named 'same'"),
    ] {
      let refused = try run("convert", "in.safetensors", "-o", "no.h5", "--rename", text)
      #expect(refused.status == 64)
      #expect(refused.errors.contains(reason), "\(refused.errors)")
    }
  }

  @Test func namesAreChangedByAMap() throws {
    try folder.write("map.json", text: "{\"head\": \"tail\"}")
    #expect(
      try run("convert", "in.safetensors", "-o", "out.safetensors", "--map", "map.json").status == 0
    )
    #expect(try names("out.safetensors").contains("tail"))
    try folder.write("map.json", text: "{\"heads\": \"tail\"}")
    let refused = try run("convert", "in.safetensors", "-o", "no.safetensors", "--map", "map.json")
    #expect(refused.status == 64 && refused.errors.contains("there is no tensor 'heads'"))
  }

  @Test func whatCannotBeHeldIsListedFirst() throws {
    try folder.write(
      "codes.safetensors",
      SafetensorsFile.encode([
        .init("a", "F8_E8M0", [2], [1, 2]), .init("b", "F6_E2M3", [4], [1, 2, 3]),
        .init("w", [1]), .init("/x", [2]),
      ]))
    let refused = try run("convert", "codes.safetensors", "-o", "out.h5")
    #expect(refused.status == 65)
    #expect(refused.errors.contains("HDF5 cannot hold 3 things in it"))
    #expect(refused.errors.contains("tensor 'b': HDF5 has no dtype for F6_E2M3"))
    #expect(try folder.names() == ["codes.safetensors", "in.safetensors"])
    #expect(
      try run("convert", "codes.safetensors", "-o", "out.h5", "--skip-unsupported").status == 0)
    #expect(try names("out.h5") == ["w"])
  }

  @Test func dtypesAreConvertedAndOverflowIsAnError() throws {
    try folder.write(
      "big.safetensors", SafetensorsFile.encode([.init("a", [.nan, .infinity, 1e6])]))
    let refused = try run(
      "convert", "big.safetensors", "-o", "out.safetensors", "--out-dtype", "F16")
    #expect(refused.status == 65)
    #expect(refused.errors.contains("the result at [2] is too large for F16"))
    #expect(
      try run("convert", "big.safetensors", "-o", "out.safetensors", "--out-dtype", "BF16").status
        == 0)
    let values = try #require(try WeightMap(contentsOf: folder.file("out.safetensors"))["a"])
      .values()
    #expect(values[0].isNaN && values[1] == .infinity && values[2] == 999_424)
  }

  @Test func shardsAndTheirIndexAreWritten() throws {
    #expect(
      try run("convert", "in.safetensors", "-o", "model/", "--max-shard-size", "16B").status == 0)
    #expect(try folder.names(in: "model").contains("model.safetensors.index.json"))
    #expect(try run("verify", "model").status == 0)
    #expect(try run("diff", "in.safetensors", "model", "--no-metadata").status == 0)
  }

  @Test func theFormatCanBeNamed() throws {
    #expect(
      try run("convert", "in.safetensors", "-o", "out.bin.1", "--format", "numpy").status == 0)
    #expect(try folder.read("out.bin.1").prefix(2) == [0x50, 0x4B])
    #expect(try run("convert", "in.safetensors", "-o", "out.gguf").status == 64)
    #expect(try run("convert", "in.safetensors", "-o", "x.h5", "--format", "gguf").status == 64)
  }

  @Test func nothingIsWrittenDry() throws {
    let result = try run("convert", "in.safetensors", "-o", "out.h5", "--dry-run", "--json")
    #expect(result.status == 0)
    let json = try JSONValue(parsing: Array(result.output.utf8))
    #expect(json["written"] == .bool(false) && json["tensor_count"] == .integer(3))
    #expect(try folder.names() == ["in.safetensors"])
  }

  @Test func theRecordOfTheInputIsKept() throws {
    #expect(try run("convert", "in.safetensors", "-o", "a.h5").status == 0)
    #expect(try run("convert", "a.h5", "-o", "b.safetensors", "--hash-inputs").status == 0)
    let text = try WeightMap(contentsOf: folder.file("b.safetensors")).metadata["imwa"] ?? ""
    let record = try JSONValue(parsing: Array(text.utf8))
    guard case .array(let inputs)? = record["inputs"] else { return #expect(Bool(false)) }
    #expect(record["method"] == .string("convert") && inputs[0]["name"] == .string("a.h5"))
    #expect(inputs[0]["sha256"]?.string?.count == 64)
    #expect(inputs[0]["origin"]?["method"] == .string("convert"))
    #expect(try run("convert", "in.safetensors", "-o", "c.h5", "--no-provenance").status == 0)
    #expect(try WeightMap(contentsOf: folder.file("c.h5")).metadata["imwa"] == nil)
  }
}
