import Checkpoints
import TensorCore
import TestSupport
import Testing

@testable import WeightAveraging

/// Files of the real libraries against float64 evaluations that were rounded once by exact arithmetic.
@Suite struct FixtureTests {
  private static let families: [(name: String, inputs: [String])] = [
    ("st_mlp", (1...3).map { "safetensors/mlp_s\($0).safetensors" }),
    ("st_mlp_bf16", (1...3).map { "safetensors/mlp_bf16_s\($0).safetensors" }),
    ("st_cnn_bn", (1...3).map { "safetensors/cnn_bn_s\($0).safetensors" }),
    ("st_hf_llama_sharded", (1...3).map { "safetensors/hf/llama_sharded_s\($0)" }),
  ]

  private func expectSame(_ result: WeightMap, as file: String) throws {
    let expected = try WeightMap(contentsOf: Fixtures.path(file))
    #expect(Set(result.tensors.map(\.info.name)) == Set(expected.tensors.map(\.info.name)))
    for tensor in expected.tensors {
      #expect(result[tensor.info.name]?.info == tensor.info)
      #expect(
        try result[tensor.info.name]?.bytes() == tensor.bytes(), "\(file): \(tensor.info.name)")
    }
  }

  @Test(arguments: families.map(\.name))
  func familiesMatchBitForBit(family: String) throws {
    let inputs = try #require(Self.families.first { $0.name == family }).inputs
    let maps = try inputs.map { try WeightMap(contentsOf: Fixtures.path($0)) }
    try expectSame(.average(of: maps), as: "expected/\(family).mean.safetensors")
    try expectSame(
      .average(of: Array(maps[..<2]), weights: [0.2, 0.8]),
      as: "expected/\(family).weighted.safetensors")
    let method = try ExponentialMovingAverage(decay: 0.99, updateCount: 2)
    try expectSame(.merge(maps, by: method), as: "expected/\(family).ema.safetensors")
  }

  @Test(arguments: [
    ("mlp", ".pt", "st_mlp"), ("mlp_legacy", ".pth", "st_mlp"), ("cnn_bn", ".pt", "st_cnn_bn"),
  ])
  func filesOfPyTorchGiveTheSame(stem: String, ending: String, family: String) throws {
    let maps = try (1...3).map {
      try WeightMap(contentsOf: Fixtures.path("torch/\(stem)_s\($0)\(ending)"))
    }
    try expectSame(.average(of: maps), as: "expected/\(family).mean.safetensors")
  }

  @Test func everyDTypeIsAveragedOrCopied() throws {
    let maps = try [1, 2].map {
      try WeightMap(contentsOf: Fixtures.path("safetensors/dtypes_s\($0).safetensors"))
    }
    try expectSame(.average(of: maps), as: "expected/dtypes.mean.safetensors")
  }

  @Test(arguments: ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"])
  func hardRoundingCasesMatch(dtype: String) throws {
    let maps = try ["a", "b"].map {
      try WeightMap(contentsOf: Fixtures.path("rounding/\(dtype).\($0).safetensors"))
    }
    try expectSame(.average(of: maps), as: "rounding/\(dtype).mean.safetensors")
    try expectSame(
      .average(of: maps, weights: [0.7, 0.3]), as: "rounding/\(dtype).weighted.safetensors")
  }

  @Test(arguments: [DType.float32, .float16, .bfloat16, .float8E4M3, .float8E5M2])
  func halfwayPointsOfFloat64AreRoundedOnce(dtype: DType) throws {
    let stem = "rounding/F64_to_\(dtype.rawValue)"
    let maps = try ["a", "b"].map {
      try WeightMap(contentsOf: Fixtures.path("\(stem).\($0).safetensors"))
    }
    var policy = AlignmentPolicy()
    policy.outputDType = dtype
    try expectSame(.average(of: maps, policy: policy), as: "\(stem).mean.safetensors")
  }
}
