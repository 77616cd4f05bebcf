import Foundation
import TestSupport
import Testing

/// Folders as libraries leave them: what is one model, what is several, and what is neither.
@Suite struct FolderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func merge(_ arguments: String...) throws -> ToolProcess.Result {
    try ToolProcess.run(
      "imwa-avg",
      ["merge"] + arguments.map { $0.hasPrefix("folders/") ? Fixtures.path($0) : $0 },
      in: folder.path)
  }

  private func isMean(_ output: String, of inputs: String...) throws -> Bool {
    let paths = inputs.map { Fixtures.path("folders/" + $0) }
    let name = "check" + (URL(fileURLWithPath: output).pathExtension)
    let expected = try ToolProcess.run(
      "imwa-avg", ["merge"] + paths + ["-o", "\(name).safetensors", "--force"], in: folder.path)
    #expect(expected.status == 0, "\(expected.errors)")
    let diff = try ToolProcess.run(
      "imwa-ckpt", ["diff", output, "\(name).safetensors", "--no-metadata"], in: folder.path)
    return diff.status == 0
  }

  @Test func theLastCheckpointDoesNotCountTwice() throws {
    let fairseq = try merge("folders/fairseq", "--last", "2", "-o", "f.pt")
    #expect(fairseq.errors.contains("checkpoint_last.pt is left out: it is a copy of"))
    #expect(fairseq.errors.contains("checkpoint_best.pt is left out: it is a copy of"))
    #expect(try isMean("f.pt", of: "fairseq/checkpoint3.pt", "fairseq/checkpoint4.pt"))
    let lightning = try merge("folders/lightning", "--last", "2", "-o", "l.ckpt")
    #expect(lightning.errors.contains("last.ckpt is left out: it is a copy of"))
    #expect(
      try isMean("l.ckpt", of: "lightning/epoch=2-step=20.ckpt", "lightning/epoch=3-step=30.ckpt"))
  }

  @Test func slicesOfAModelAreAveragedWithTheirNamesakes() throws {
    let result = try merge("folders/llama_a", "folders/llama_b", "-o", "llama")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("mean of 2 checkpoints"))
    for name in ["consolidated.00.pth", "consolidated.01.pth"] {
      #expect(try isMean("llama/\(name)", of: "llama_a/\(name)", "llama_b/\(name)"))
    }
    let slices = try merge(
      "folders/llama_a/consolidated.00.pth", "folders/llama_a/consolidated.01.pth", "-o", "o.pth")
    #expect(slices.status == 65)
    #expect(slices.errors.contains("are parts of one model"))
  }

  @Test(arguments: [
    ("zero_a", "DeepSpeed ZeRO", "deepspeed.utils.zero_to_fp32"),
    ("dcp", "torch.distributed.checkpoint", "format_utils dcp_to_torch"),
  ])
  func partsOfProcessesAreRefusedByName(name: String, what: String, hint: String) throws {
    for tool in [["imwa-avg", "merge"], ["imwa-ckpt", "show"]] {
      let output = tool[1] == "merge" ? ["-o", "o.pt"] : []
      let result = try ToolProcess.run(
        tool[0], [tool[1], Fixtures.path("folders/" + name)] + output, in: folder.path)
      #expect(result.status == 65)
      #expect(result.errors.contains(what))
      #expect(result.errors.contains(hint))
    }
  }

  @Test func emptyParametersAreNoWeights() throws {
    let file = "global_step10/zero_pp_rank_0_mp_rank_00_model_states.pt"
    let result = try merge("folders/zero_a/\(file)", "folders/zero_b/\(file)", "-o", "o.pt")
    #expect(result.status == 65)
    #expect(result.errors.contains("DeepSpeed") && result.errors.contains("python zero_to_fp32.py"))
  }

  @Test func modulesOfASentenceTransformerStayTogether() throws {
    let result = try merge("folders/sentences_a", "folders/sentences_b", "-o", "soup")
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      try folder.names(in: "soup") == [
        "1_Pooling", "2_Dense", "config.json", "config_sentence_transformers.json",
        "model.safetensors", "modules.json", "sentence_bert_config.json",
      ])
    for name in ["model.safetensors", "2_Dense/model.safetensors"] {
      #expect(try isMean("soup/\(name)", of: "sentences_a/\(name)", "sentences_b/\(name)"))
    }
  }

  @Test func aPresetKeepsItsTaskAndVocabulary() throws {
    let result = try merge("folders/preset_a", "folders/preset_b", "-o", "preset")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try folder.names(in: "preset/assets/tokenizer") == ["vocabulary.txt"])
    for name in ["model.weights.h5", "task.weights.h5"] {
      #expect(try isMean("preset/\(name)", of: "preset_a/\(name)", "preset_b/\(name)"))
    }
  }

  @Test func adaptersOfAnotherScaleAreRefused() throws {
    let result = try merge("folders/adapter_a", "folders/adapter_b", "-o", "ab/")
    #expect(result.status == 65)
    #expect(result.errors.contains("adapter_config.json: 'lora_alpha' is 32, in"))
    #expect(result.errors.contains("averaged by themselves"))
    let allowed = try merge(
      "folders/adapter_a", "folders/adapter_b", "-o", "ab/", "--allow-config-differences")
    #expect(allowed.status == 0, "\(allowed.errors)")
    #expect(allowed.errors.contains("'lora_alpha' is 32"))
  }

  @Test func modelsWithOtherActivationsAreRefused() throws {
    let (relu, tanh) = (Fixtures.path("unlike/relu.keras"), Fixtures.path("unlike/tanh.keras"))
    let result = try merge(relu, tanh, "-o", "o.keras")
    #expect(result.status == 65)
    #expect(result.errors.contains("'config.layers.0.config.activation' is \"tanh\""))
    #expect(try merge(relu, relu, "--weights", "1,1", "-o", "o.keras").status == 0)
  }
}
