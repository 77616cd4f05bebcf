import Foundation
import JSONText
import TestSupport
import Testing

/// Files with the same tensors are not the same when they hold something else beside them.
@Suite struct DiffContentsTests {
  private func diff(_ first: String, _ second: String, _ options: String...) throws
    -> ToolProcess.Result
  {
    try ToolProcess.run(
      "imwa-ckpt", ["diff", Fixtures.path(first), Fixtures.path(second)] + options)
  }

  @Test(arguments: [
    ("relu.keras", "tanh.keras", "config.json: 'config.layers.0.config.activation'"),
    ("labels_1.h5", "labels_2.h5", "'names' (text)"),
    ("words_1.h5", "words_2.h5", "'names' (text)"),
    ("record_1.h5", "record_2.h5", "'c' (record)"),
    ("scale_1.h5", "scale_2.h5", "attribute 'scale' of 'w'"),
    ("labels_1.npz", "labels_2.npz", "'names.npy'"),
    ("labels_1.h5", "record_1.h5", "'names' (text)"),
  ])
  func whatDiffersBesideTensorsIsNamed(first: String, second: String, text: String) throws {
    let result = try diff("unlike/\(first)", "unlike/\(second)")
    #expect(result.status == 1)
    #expect(result.output.contains(text))
    #expect(try diff("unlike/\(first)", "unlike/\(second)", "--no-metadata").status == 0)
    #expect(try diff("unlike/\(first)", "unlike/\(first)").output.hasPrefix("the same"))
  }

  @Test func otherValuesOfAPyTorchFileAreCompared() throws {
    let result = try diff(
      "folders/lightning/epoch=3-step=30.ckpt", "folders/lightning/last.ckpt", "--json")
    #expect(result.status == 1)
    let value = try JSONValue(parsing: Array(result.output.utf8))
    guard case .array(let parts)? = value["parts"] else {
      Issue.record("no parts in \(result.output)")
      return
    }
    #expect(parts.map { $0["part"]?.string } == ["'saved'"])
    #expect(parts.first?["a"] == .null)
    #expect(parts.first?["b"]?.string == "'at the end'")
    #expect(value["tensors"] == .array([]))
  }

  @Test func filesBesideWeightsAreCompared() throws {
    let result = try diff("folders/adapter_a", "folders/adapter_b")
    #expect(result.output.contains("adapter_config.json: 'lora_alpha': 2 and 32"))
    let alike = try diff("folders/sentences_a", "folders/sentences_b", "--json")
    #expect(try JSONValue(parsing: Array(alike.output.utf8))["parts"] == .array([]))
  }

  @Test func equalCopiesAreTheSameWhateverTheyHold() throws {
    let folder = try TemporaryFolder()
    for name in ["hdf5/keras3_cnn_bn_s1.h5", "torch/mlp_s1.pt", "keras/cnn_bn_s1.keras"] {
      let copy = try folder.write(
        "copy-" + URL(fileURLWithPath: name).lastPathComponent, try Fixtures.bytes(name))
      let result = try ToolProcess.run("imwa-ckpt", ["diff", Fixtures.path(name), copy])
      #expect(result.status == 0, "\(result.output)")
    }
  }
}
