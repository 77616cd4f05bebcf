import SystemPackage
import TestSupport
import Testing

@testable import Checkpoints

/// Models whose weights are in several places of a folder.
@Suite struct ComponentModelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func weights(_ names: String...) -> [UInt8] {
    SafetensorsFile.encode(names.map { .init($0, [1]) })
  }

  private func writeSentenceTransformer(_ name: String = "m") throws {
    try folder.write("\(name)/model.safetensors", weights("linear.weight"))
    try folder.write("\(name)/2_Dense/model.safetensors", weights("linear.weight"))
    for file in ["2_Dense/config.json", "1_Pooling/config.json", "config.json"] {
      try folder.write("\(name)/\(file)", text: "{}")
    }
    for file in ["README.md", "2_Dense/README.md", "onnx/model.onnx", "1_Pooling/.hidden"] {
      try folder.write("\(name)/\(file)", text: "")
    }
    try folder.write(
      "\(name)/modules.json",
      text: #"[{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Dense"}, {"path": "../n"}]"#)
  }

  private func open(_ name: String = "m") throws -> CheckpointReader {
    try CheckpointReader(opening: FilePath(folder.file(name)))
  }

  @discardableResult
  private func write(
    _ reader: CheckpointReader, to name: String, replacing: Bool = false
  ) throws -> PreparedOutput {
    var request = OutputRequest(
      path: FilePath(folder.file(name)), form: .folder, existing: replacing ? .replace : .refuse)
    request.take(from: reader)
    let output = try PreparedOutput(reader.weights, to: request)
    _ = try output.write()
    return output
  }

  @Test func modulesOfASentenceTransformerAreOneModel() throws {
    try writeSentenceTransformer()
    let reader = try open()
    #expect(
      reader.weights.tensors.map(\.info.name) == ["linear.weight", "2_Dense.linear.weight"])
    #expect(reader.notices == [])
    let output = try write(reader, to: "out")
    #expect(
      output.fileNames.sorted() == [
        "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors",
        "config.json", "model.safetensors", "modules.json",
      ])
    #expect(try folder.names(in: "out/1_Pooling") == ["config.json"])
    #expect(try open("out").weights.count == 2)
  }

  @Test func whatIsReplacedKeepsOtherFilesInItsFolders() throws {
    try writeSentenceTransformer()
    try writeSentenceTransformer("old")
    try folder.write("old/2_Dense/pytorch_model.bin", [1])
    try folder.write("old/2_Dense/notes.txt", text: "mine")
    try folder.write("old/1_Pooling/notes.txt", text: "mine")
    try write(try open(), to: "old", replacing: true)
    #expect(
      try folder.names(in: "old/2_Dense") == [
        "README.md", "config.json", "model.safetensors", "notes.txt",
      ])
    #expect(
      try folder.names(in: "old/1_Pooling") == [".hidden", "config.json", "notes.txt"])
    #expect(try folder.read("m/2_Dense/model.safetensors") == weights("linear.weight"))
  }

  @Test func partsOfAPipelineAreOneModel() throws {
    for (name, file) in [
      ("unet", "diffusion_pytorch_model.safetensors"), ("text_encoder", "model.safetensors"),
    ] {
      try folder.write("m/\(name)/\(file)", weights("a", "b"))
      try folder.write("m/\(name)/config.json", text: "{}")
    }
    try folder.write("m/scheduler/scheduler_config.json", text: "{}")
    try folder.write("m/tokenizer/vocab.json", text: "{}")
    try folder.write("m/other/model.safetensors", weights("c"))
    try folder.write(
      "m/model_index.json",
      text: #"{"_class_name": "P", "unet": ["d", "U"], "text_encoder": ["t", "T"],"#
        + #" "scheduler": ["d", "S"], "tokenizer": ["t", "K"], "safety_checker": [null, null]}"#)
    let reader = try open()
    #expect(
      Set(reader.weights.tensors.map(\.info.name)) == [
        "unet.a", "unet.b", "text_encoder.a", "text_encoder.b",
      ])
    try write(reader, to: "out")
    #expect(
      try folder.names(in: "out") == [
        "model_index.json", "scheduler", "text_encoder", "tokenizer", "unet",
      ])
    #expect(
      try folder.names(in: "out/unet") == ["config.json", "diffusion_pytorch_model.safetensors"])
  }

  @Test func slicesOfTensorParallelProcessesAreOneModel() throws {
    for name in ["consolidated.00.pth", "consolidated.01.pth"] {
      try folder.write("m/\(name)", weights("w"))
    }
    try folder.write("m/params.json", text: "{}")
    let reader = try open()
    #expect(
      reader.weights.tensors.map(\.info.name) == ["consolidated.00.w", "consolidated.01.w"])
    try write(reader, to: "out")
    #expect(
      try folder.names(in: "out") == ["consolidated.00.pth", "consolidated.01.pth", "params.json"])
  }

  @Test func severalPlacesDoNotFitOneFile() throws {
    try writeSentenceTransformer()
    let reader = try open()
    var request = OutputRequest(path: FilePath(folder.file("out.safetensors")))
    request.take(from: reader)
    let error = #expect(throws: CheckpointError.self) {
      try PreparedOutput(reader.weights, to: request)
    }
    #expect(error?.hint == "name a folder: -o out/")
  }

  @Test func aDamagedListIsNamed() throws {
    try writeSentenceTransformer()
    let path = try folder.write("m/modules.json", text: "[{")
    let error = #expect(throws: CheckpointError.self) { try open() }
    #expect(error?.path == FilePath(path))
  }

  @Test func weightsBesideAModelThatAreNotReadAreNamed() throws {
    try folder.write("m/model.safetensors", weights("w"))
    try folder.write("m/config.json", text: "{}")
    try folder.write("m/mm_projector.bin", [1])
    for name in ["reward", "checkpoint-5"] {
      try folder.write("m/\(name)/model.safetensors", weights("w"))
    }
    let path = folder.file("m")
    #expect(
      try open().notices
        == ["mm_projector.bin", "reward"].map {
          "\(path): '\($0)' lies beside 'model.safetensors' and is not read"
        })
  }
}
