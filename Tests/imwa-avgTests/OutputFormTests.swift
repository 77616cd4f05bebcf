import Foundation
import TestSupport
import Testing

/// What form the output has: its format, its names, and what a folder tells of the weights in it.
@Suite struct OutputFormTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for (name, value) in [("a", Float(1)), ("b", 3)] {
      try folder.write(
        "\(name)/model.safetensors",
        SafetensorsFile.encode([.init("v", [value]), .init("w", [value, 2])]))
    }
  }

  private func merge(_ arguments: String...) throws -> ToolProcess.Result {
    try ToolProcess.run("imwa-avg", ["merge"] + arguments, in: folder.path)
  }

  private func metadata(_ name: String) throws -> [String: String] {
    try SafetensorsFile.decode(try folder.read(name)).metadata
  }

  @Test func safetensorsOfPyTorchsTensorsSayThatTheyArePyTorchs() throws {
    let file = Fixtures.path("torch/mlp_s1.pt")
    let result = try ToolProcess.run(
      "imwa-ckpt", ["convert", file, "-o", "c.safetensors"], in: folder.path)
    #expect(result.status == 0, "\(result.errors)")
    #expect(try metadata("c.safetensors")["format"] == "pt")
  }

  @Test func metadataOfOursAloneWouldBeRefusedByTransformers() throws {
    _ = try merge("a/model.safetensors", "b/model.safetensors", "-o", "o.safetensors")
    #expect(try metadata("o.safetensors")["format"] == "pt")
    _ = try merge(
      "a/model.safetensors", "b/model.safetensors", "-o", "p.safetensors", "--no-provenance")
    #expect(try metadata("p.safetensors").isEmpty)
  }

  @Test(arguments: ["tf", "flax", "mlx"])
  func anotherFrameworkStaysWhatItIs(framework: String) throws {
    for name in ["c", "d"] {
      try folder.write(
        "\(name).safetensors",
        SafetensorsFile.encode([.init("w", [1])], metadata: ["format": framework]))
    }
    _ = try merge("c.safetensors", "d.safetensors", "-o", "o.safetensors")
    #expect(try metadata("o.safetensors")["format"] == framework)
  }

  @Test func aConfigurationTellsTheDTypeThatWasAskedFor() throws {
    let config =
      #"{"dtype" : "float32", "n": 1.50, "text_config": {"torch_dtype": "float16"}, "#
      + #""quantization_config": null, "x": {"dtype": "int8"}}"#
    for name in ["a", "b"] { try folder.write("\(name)/config.json", text: config) }
    let result = try merge("a", "b", "-o", "o", "--out-dtype", "BF16")
    #expect(
      result.errors.contains(
        "note: config.json: the dtype is bfloat16 now, it was float16 and float32"))
    let expected = config.replacingOccurrences(of: "float32", with: "bfloat16")
      .replacingOccurrences(of: "\"float16", with: "\"bfloat16")
    #expect(try folder.read("o/config.json") == Array(expected.utf8))
    let same = try merge("a", "b", "-o", "p")
    #expect(same.errors == "")
    #expect(try folder.read("p/config.json") == Array(config.utf8))
  }

  @Test(arguments: ["o", "o.v2", "o.ckpt-9"])
  func aNameThatTellsNothingIsOfTheFirstInputsFormat(name: String) throws {
    let (first, second) = ("a/model.safetensors", "b/model.safetensors")
    #expect(try merge(first, second, "-o", name).status == 0)
    #expect(try SafetensorsFile.decode(try folder.read(name)).tensors["w"]?.floats == [2, 2])
  }

  @Test(arguments: ["o.gguf", "o.mat", "o.msgpack"])
  func aNameThatTellsAnotherFormatIsRefused(name: String) throws {
    let result = try merge("a/model.safetensors", "b/model.safetensors", "-o", name)
    #expect(result.status == 64)
    #expect(result.errors.contains("the name does not tell the format of the output"))
  }

  @Test func aNameThatFormatsShareIsOfTheFirstInputs() throws {
    let file = Fixtures.path("hdf5/keras3_mlp_s1.weights.h5")
    _ = try merge(file, file, "--weights", "1,1", "-o", "o.ckpt")
    #expect(try folder.read("o.ckpt").starts(with: [0x89] + Array("HDF".utf8)))
    _ = try merge("a/model.safetensors", "b/model.safetensors", "-o", "p.ckpt")
    #expect(try folder.read("p.ckpt").starts(with: Array("PK".utf8)))
    _ = try merge("a/model.safetensors", "b/model.safetensors", "-o", "q.ckpt", "--format", "hdf5")
    #expect(try folder.read("q.ckpt").starts(with: [0x89] + Array("HDF".utf8)))
  }

  @Test func anIndexIsWrittenInItsFolder() throws {
    let result = try merge(
      "a", "b", "-o", "o/soup.safetensors.index.json", "--max-shard-size", "4")
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      try folder.names(in: "o") == [
        "soup-00001-of-00002.safetensors", "soup-00002-of-00002.safetensors",
        "soup.safetensors.index.json",
      ])
    #expect(try merge("a", "b", "-o", "p/model.safetensors.index.json").status == 0)
    #expect(
      try folder.names(in: "p") == ["model.safetensors", "model.safetensors.index.json"])
  }

  @Test func anIndexOfKerasNeedsAnInputThatHasOne() throws {
    let result = try merge("a", "b", "-o", "o/model.weights.json")
    #expect(result.status == 64)
    #expect(result.errors.contains("an index of Keras is only written where the first input has"))
  }
}
