import JSONText
import SystemPackage
import TestSupport
import Testing

@testable import Checkpoints

/// What two checkpoints hold beside their tensors.
@Suite struct PartComparisonTests {
  private func effects(_ first: String, _ second: String, in part: String = "config.json") throws
    -> [String: PartDifference.Effect]
  {
    let parts = try [first, second].map { text in
      ModelPart(name: part, content: .configuration(try JSONValue(parsing: Array(text.utf8))))
    }
    let found = try PartComparison([parts[0]], [parts[1]]).differences
    return Dictionary(found.map { ($0.key, $0.effect) }, uniquingKeysWith: { first, _ in first })
  }

  @Test(arguments: [
    #"{"rope_theta": 1}"#, #"{"rope_scaling": {"factor": 1}}"#, #"{"hidden_act": 1}"#,
    #"{"text_config": {"num_key_value_heads": 1}}"#, #"{"id2label": {"0": 1}}"#,
    #"{"quantization_config": {"bits": 1}}"#, #"{"lora_alpha": 1}"#, #"{"r": 1}"#,
    #"{"rms_norm_eps": 1}"#, #"{"prediction_type": 1}"#, #"{"pooling_mode_cls_token": 1}"#,
  ])
  func whatChangesTheMeaningOfTensors(text: String) throws {
    let other = text.replacing(": 1", with: ": 2")
    #expect(try effects(text, other).values.allSatisfy { $0 == .behaviour })
    #expect(try effects(text, other).count == 1)
    #expect(try effects(text, "{}").values.allSatisfy { $0 == .behaviour })
    #expect(try effects(text, text.replacing(": 1", with: ": 1.0")).isEmpty)
  }

  @Test(arguments: [
    "_name_or_path", "transformers_version", "torch_dtype", "hidden_dropout_prob", "resid_pdrop",
    "initializer_range", "use_cache", "peft_version", "lora_dropout", "_diffusers_version",
  ])
  func whatTellsOfMakingDoesNotCount(key: String) throws {
    #expect(try effects(#"{"\#(key)": 1}"#, #"{"\#(key)": 2}"#) == [key: .none])
  }

  @Test func otherKeysMayMatter() throws {
    #expect(try effects(#"{"x": {"y": [1, 2]}}"#, #"{"x": {"y": [1, 3]}}"#) == ["x.y.1": .possible])
    #expect(try effects(#"{"x": null}"#, "{}").isEmpty)
  }

  @Test func setsHaveNoOrder() throws {
    let (first, second) = (#"{"target_modules": ["q", "v"]}"#, #"{"target_modules": ["v", "q"]}"#)
    #expect(try effects(first, second).isEmpty)
    #expect(
      try effects(first, #"{"target_modules": ["v", "k"]}"#).values.allSatisfy { $0 == .behaviour })
  }

  @Test func theWordsOfATokenizerHaveAnOrder() throws {
    let (first, second) = (
      #"{"model": {"vocab": {"a": 0, "b": 1}}, "truncation": null}"#,
      #"{"model": {"vocab": {"b": 0, "a": 1}}, "truncation": {"x": 1}}"#
    )
    #expect(
      try effects(first, second, in: "tokenizer.json")
        == ["model.vocab.a": .behaviour, "model.vocab.b": .behaviour, "truncation.x": .none])
  }

  private func layers(_ name: String, _ activation: String, reads other: String) throws -> ModelPart
  {
    let text = """
      {"class_name": "Functional", "config": {"name": "m_\(name)", "layers": [
        {"class_name": "Dense", "config": {"name": "\(other)", "activation": "linear"}},
        {"class_name": "Dense", "config": {"name": "\(name)", "activation": "\(activation)", "seed": "\(name)"},
         "inbound_nodes": [{"args": [{"keras_history": ["\(other)", 0, 0]}]}]}],
        "output_layers": [["\(name)", 0, 0]]}}
      """
    return ModelPart(
      name: "config.json", content: .layers(try JSONValue(parsing: Array(text.utf8))))
  }

  @Test func namesOnWhichKerasCountsAreNoDifference() throws {
    let first = try layers("dense_1", "relu", reads: "dense")
    let again = try layers("dense_7", "relu", reads: "dense_6")
    let effects = try PartComparison([first], [again]).differences.map(\.effect)
    #expect(!effects.isEmpty && effects.allSatisfy { $0 == .none })
    let other = try layers("dense_1", "tanh", reads: "dense")
    let found = try PartComparison([first], [other]).differences.filter { $0.effect == .behaviour }
    #expect(found.map(\.key) == ["config.layers.1.config.activation"])
    #expect(found.first?.label == "config.json: 'config.layers.1.config.activation'")
  }

  @Test func partsThatOneLacksAreToldUnlessFormatsDiffer() throws {
    let part = ModelPart(name: "'epoch'", content: .text("3"))
    #expect(try PartComparison([part], []).differences.first?.second == nil)
    #expect(try PartComparison([], [part]).differences.first?.first == nil)
    #expect(try PartComparison([part], [], onlyCommon: true).differences.isEmpty)
  }

  @Test func whatIsNotReadIsNamed() throws {
    let parts = ["a", "b"].map { ModelPart(name: "x", content: .unread($0)) }
    let comparison = try PartComparison([parts[0]], [parts[1]])
    #expect(comparison.differences.isEmpty)
    #expect(comparison.unread.map(\.name) == ["x"])
  }

  @Test(arguments: ["vocab.txt", "merges.txt", "spiece.model", "vocab.json"])
  func anotherVocabularyBesideEqualTensorsIsAnotherMeaning(name: String) throws {
    let folder = try TemporaryFolder()
    let bytes = SafetensorsFile.encode([.init("w", [1])])
    for (model, words) in [("a", "x y"), ("b", "y x")] {
      try folder.write("\(model)/model.safetensors", bytes)
      try folder.write("\(model)/\(name)", text: words)
    }
    let readers = try ["a", "b"].map { try CheckpointReader(opening: FilePath(folder.file($0))) }
    let comparison = try PartComparison(readers[0].allParts(), readers[1].allParts())
    #expect(comparison.differences.map(\.effect) == [.behaviour])
    #expect(comparison.differences.map(\.part) == [name])
    let files = try ["a", "b"].map {
      try CheckpointReader(opening: FilePath(folder.file("\($0)/model.safetensors")))
    }
    #expect(
      try PartComparison(files[0].allParts(), files[1].allParts()).differences.count == 1)
  }
}
