import Checkpoints
import SystemPackage
import TensorCore
import TestSupport
import Testing

@testable import CheckpointInspection

@Suite struct ConversionPlanTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A PyTorch file in which two names are one tensor.
  private func tied() throws -> CheckpointReader {
    let storage = TensorStorage.bytes(MemoryBytes([0, 0, 0x80, 0x3F]), offset: 0)
    let weights = try WeightMap(
      ["b", "a"].map {
        Tensor(try TensorInfo(name: $0, dtype: .float32, shape: Shape([1])), storage: storage)
      })
    try weights.write(to: folder.file("tied.pt"))
    return try CheckpointReader(opening: FilePath(folder.file("tied.pt")))
  }

  @Test func tiesAreRefusedDroppedOrUntied() throws {
    let reader = try tied()
    #expect(throws: ConversionError.self) {
      try ConversionPlan(reader, to: SafetensorsCheckpoint.self)
    }
    var options = ConversionOptions()
    options.unties = true
    #expect(
      try ConversionPlan(reader, to: SafetensorsCheckpoint.self, options: options).weights.count
        == 2)
    options = ConversionOptions()
    options.skipsUnsupported = true
    let plan = try ConversionPlan(reader, to: SafetensorsCheckpoint.self, options: options)
    let (kept, dropped) = (reader.weights.tensors[0].info.name, reader.weights.tensors[1].info.name)
    #expect(plan.weights.tensors.map(\.info.name) == [kept])
    #expect(plan.weights.metadata[ExactString(dropped)] == kept)
    #expect(try ConversionPlan(reader, to: PyTorchCheckpoint.self).weights.count == 2)
  }

  @Test func filesOfAGivenSizeHoldNothingButTensors() throws {
    let reader = try CheckpointReader(opening: FilePath(Fixtures.path("torch/fullckpt_s1.pt")))
    var options = ConversionOptions()
    #expect(
      try ConversionPlan(reader, to: PyTorchCheckpoint.self, options: options).skipped.isEmpty)
    options.cutsFiles = true
    let error = #expect(throws: ConversionError.self) {
      try ConversionPlan(reader, to: PyTorchCheckpoint.self, options: options)
    }
    #expect(error?.description.contains("'scheduler': it is no tensor") == true)
  }

  @Test func quantisedCodesKeepTheirDType() throws {
    let path = try folder.write(
      "q.safetensors",
      SafetensorsFile.encode([
        .init("w", "F8_E4M3", [2], [0x38, 0x7F]), .init("w_scale", [1]), .init("n", [1]),
      ]))
    var options = ConversionOptions()
    options.policy.outputDType = .bfloat16
    let plan = try ConversionPlan(
      try CheckpointReader(opening: FilePath(path)), to: SafetensorsCheckpoint.self,
      options: options)
    #expect(plan.weights.tensors.map(\.info.dtype) == [.float8E4M3, .float32, .bfloat16])
    #expect(plan.convertedCount == 1)
  }
}
