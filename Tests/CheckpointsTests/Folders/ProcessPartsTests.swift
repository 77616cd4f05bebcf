import SystemPackage
import TestSupport
import Testing

@testable import Checkpoints

/// What several processes wrote of one model is neither a model nor several.
@Suite struct ProcessPartsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ names: [String]) throws {
    let bytes = SafetensorsFile.encode([.init("w", [1])])
    for name in names { try folder.write(name, bytes) }
  }

  private func error() throws -> CheckpointError {
    let whole = try #require(
      throws: CheckpointError.self,
      performing: { try CheckpointReader(opening: FilePath(folder.path)) })
    let inputs = #expect(throws: CheckpointError.self) {
      try CheckpointInputs([folder.path], for: .averaging)
    }
    #expect(inputs?.description == whole.description)
    return whole
  }

  @Test(arguments: [
    [".metadata", "__0_0.distcp"], ["common.pt", "metadata.json", "__0_0.distcp"],
  ])
  func aDistributedCheckpointIsNamed(names: [String]) throws {
    try write(names)
    let error = try error()
    #expect(error.reason.hasPrefix("it is a distributed checkpoint (torch.distributed.checkpoint"))
    #expect(error.hint?.contains("format_utils dcp_to_torch '\(folder.path)'") == true)
  }

  @Test(arguments: ["zero_pp_rank_0_mp_rank_00", "bf16_zero_pp_rank_1_mp_rank_00"])
  func aCheckpointOfZeROIsNamed(part: String) throws {
    try folder.write("latest", text: "global_step9")
    try write(["global_step9/\(part)_optim_states.pt"])
    #expect(try error().reason.contains("DeepSpeed ZeRO"))
    #expect(try error().hint?.contains("python -m deepspeed.utils.zero_to_fp32") == true)
    try folder.write("zero_to_fp32.py", text: "")
    #expect(try error().hint?.contains("python '\(folder.path)/zero_to_fp32.py'") == true)
    let step = #expect(throws: CheckpointError.self) {
      try CheckpointReader(opening: FilePath(folder.file("global_step9")))
    }
    #expect(step?.hint?.hasSuffix("'\(folder.path)' '\(folder.path)-fp32'") == true)
  }

  @Test func aCheckpointOfMegatronIsNamed() throws {
    try write(["mp_rank_00/model_optim_rng.pt", "mp_rank_01/model_optim_rng.pt"])
    #expect(try error().reason.contains("Megatron"))
  }

  @Test(arguments: [["rank0.pt", "rank1.pt"], ["m_rank_0.bin", "m_rank_1.bin"]])
  func filesOfRanksMayBeNamedOneByOne(names: [String]) throws {
    try write(names)
    #expect(try error().reason.contains("2 files of processes"))
    let paths = names.map { folder.file($0) }
    #expect(try CheckpointInputs(paths, for: .averaging).paths.count == 2)
  }

  @Test(arguments: [
    ["consolidated.00.pth", "consolidated.01.pth"],
    ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
    ["zero_pp_rank_0_mp_rank_00_model_states.pt", "zero_pp_rank_1_mp_rank_00_model_states.pt"],
  ])
  func partsAreNotAveragedWithEachOther(names: [String]) throws {
    try write(names)
    let paths = names.map { folder.file($0) }
    let error = #expect(throws: CheckpointError.self) {
      try CheckpointInputs(paths, for: .averaging)
    }
    #expect(error?.reason == "'\(names[0])' and '\(names[1])' are parts of one model")
    #expect(try CheckpointInputs(paths).paths.count == 2)
  }

  @Test func aModelBesideItsTrainingStateIsAModel() throws {
    try write([
      "model.safetensors", "global_step9/zero_pp_rank_0_mp_rank_00_optim_states.pt",
      "rank0.pt", "rank1.pt",
    ])
    try folder.write("latest", text: "global_step9")
    #expect(try CheckpointReader(opening: FilePath(folder.path)).weights.count == 1)
  }

  @Test func tensorsWithoutValuesAreNoModel() throws {
    let bytes = SafetensorsFile.encode([.init("w", [], shape: [0])])
    let path = FilePath(try folder.write("empty.safetensors", bytes))
    let reader = try CheckpointReader(opening: path)
    #expect(reader.notices == ["\(path): all of its tensors are empty"])
    let error = #expect(throws: CheckpointError.self) {
      try PreparedOutput(reader.weights, to: OutputRequest(path: FilePath(folder.file("o.pt"))))
    }
    #expect(error?.reason == "all 1 tensors that it would hold are empty")
  }
}
