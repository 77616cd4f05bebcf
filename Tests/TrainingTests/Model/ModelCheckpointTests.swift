import TensorCore
import TestSupport
import Testing

@testable import Training

/// Models in checkpoints.
@Suite struct ModelCheckpointTests {
  private static func model() throws -> Model {
    Model(
      try Architecture(inputCount: 3, hiddenCounts: [4, 2], classCount: 5, hasBatchNorm: true),
      seed: 9)
  }

  /// The names of `torch.nn.Sequential(Linear, BatchNorm1d, ReLU, Linear, BatchNorm1d, ReLU, Linear)`.
  @Test func tensorsAreNamedAsInPyTorch() throws {
    let found = try Self.model().weights.tensors.map {
      "\($0.info.name) \($0.info.dtype.rawValue) \($0.info.shape)"
    }
    var expected: [String] = []
    for (module, shape) in [(0, "[4, 3]"), (3, "[2, 4]"), (6, "[5, 2]")] {
      let count = shape.dropFirst().prefix(1)
      expected += ["layers.\(module).weight F32 \(shape)", "layers.\(module).bias F32 [\(count)]"]
      if module < 6 {
        for name in ["weight", "bias", "running_mean", "running_var"] {
          expected.append("layers.\(module + 1).\(name) F32 [\(count)]")
        }
        expected.append("layers.\(module + 1).num_batches_tracked I64 []")
      }
    }
    #expect(found == expected)
  }

  @Test func checkpointsKeepEverything() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model()
    model.trackedBatchCount = 77
    try model.weights.write(to: folder.file("m.safetensors"))
    let read = try Model(contentsOf: folder.file("m.safetensors"))
    #expect(read.architecture == model.architecture && read.trackedBatchCount == 77)
    #expect(try Problems.bytes(read.weights) == Problems.bytes(model.weights))
  }

  @Test func weightsStartAsHeSays() throws {
    let model = Model(
      try Architecture(inputCount: 200, hiddenCounts: [300], classCount: 100), seed: 1)
    for (entry, expected) in zip(model.layout.entries, [2.0 / 200, 0, 1.0 / 300, 0]) {
      let values = model.values.values(in: entry.range).map(Double.init)
      let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      #expect(abs(variance - expected) <= 0.03 * expected)
    }
    let same = Model(model.architecture, seed: 1)
    let other = Model(model.architecture, seed: 2)
    #expect(Problems.largestDifference(model, same) == 0)
    #expect(Problems.largestDifference(model, other) > 0.1)
  }

  @Test(arguments: [
    ("layers.0.weight", "is no model"), ("layers.3.bias", "'layers.3.bias' is missing"),
    ("layers.4.running_var", "is missing"), ("layers.6.weight", "'layers.4.weight' is not part"),
  ])
  func missingTensorsAreNamed(name: String, sentence: String) throws {
    let rest = try Self.model().weights.tensors.filter { $0.info.name != name }
    try expectRefusal(WeightMap(rest), sentence)
  }

  @Test func otherTensorsAreNamed() throws {
    let tensors = try Self.model().weights.tensors
    try expectRefusal(
      WeightMap(tensors + [Tensor(name: "head", shape: Shape([1]), values: [1])]),
      "'head' is not part")
    let bent = try tensors.map { tensor in
      tensor.info.name == "layers.3.weight"
        ? try Tensor(name: "layers.3.weight", shape: Shape([2, 3]), values: [1, 2, 3, 4, 5, 6])
        : tensor
    }
    try expectRefusal(WeightMap(bent), "expected a matrix with 4 columns, found [2, 3]")
    let cut = try tensors.map { tensor in
      tensor.info.name == "layers.1.bias"
        ? try Tensor(name: "layers.1.bias", shape: Shape([3]), values: [1, 2, 3]) : tensor
    }
    try expectRefusal(WeightMap(cut), "of shape [4], found F32 [3]")
  }

  private func expectRefusal(_ weights: WeightMap, _ sentence: String) throws {
    let error = #expect(throws: TrainingError.self) { try Model(weights, label: "m.h5") }
    #expect(error?.description.hasPrefix("m.h5: ") == true)
    #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: ["mlp", "mlp:8", "mlp:128,64"])
  func descriptionsOfModelsAreRead(text: String) throws {
    let expected = ["mlp": [], "mlp:8": [8], "mlp:128,64": [128, 64]]
    #expect(try Architecture.hiddenCounts(described: text) == expected[text])
  }

  @Test(arguments: ["", "cnn:3", "mlp:", "mlp:a", "mlp:8;9"])
  func otherDescriptionsAreRefused(text: String) {
    #expect(throws: TrainingError.self) { try Architecture.hiddenCounts(described: text) }
  }

  @Test(arguments: [[0], [-3], [1 << 30]])
  func impossibleLayersAreRefused(hidden: [Int]) {
    #expect(throws: TrainingError.self) {
      try Architecture(inputCount: 2, hiddenCounts: hidden, classCount: 2)
    }
  }
}
