import TensorCore
import Testing

@testable import Checkpoints

@Suite struct QuantizedPartsTests {
  private func roles(
    _ tensors: [(String, DType, [Int])], isQuantized: Bool = false
  ) throws -> [TensorRole] {
    let map = try WeightMap(
      tensors.map { name, dtype, shape in
        Tensor(
          try TensorInfo(name: name, dtype: dtype, shape: Shape(shape)),
          storage: .bytes(MemoryBytes([]), offset: 0))
      }, isQuantized: isQuantized)
    let roles = TensorRoles(map)
    return map.tensors.indices.map { roles[$0] }
  }

  @Test func plainWeightsAreNoCodes() throws {
    #expect(
      try roles([
        ("w", .float32, [4]), ("scale", .float32, [4]), ("n", .int64, [4]),
        ("f8", .float8E4M3, [4]),
      ]) == [.weight, .weight, .integer, .weight])
    #expect(
      try roles([
        ("attn.logit_scale", .float32, [4]), ("attn.relative_position_index", .int64, [49, 49]),
        ("attn.mask", .uint8, [8, 8]), ("attn.layer_scale", .float32, [8]),
      ]) == [.weight, .constant, .constant, .weight])
  }

  @Test(arguments: ["_scale", "_scale_inv", "_scale_2", ".scale", ".absmax", ".SCB"])
  func aCompanionMakesCodes(suffix: String) throws {
    for dtype in [DType.float8E4M3, .float8E5M2, .int8, .uint8] {
      let other: TensorRole = dtype.isAveraged ? .weight : .integer
      #expect(
        try roles([
          ("a.weight", dtype, [4]), ("a.weight\(suffix)", .float32, [4]), ("b.weight", dtype, [4]),
        ]) == [.code, .scale, other])
    }
    #expect(
      try roles([("a.weight", .float32, [4]), ("a.weight\(suffix)", .float32, [4])])
        == [.weight, .weight])
  }

  @Test(arguments: [".SCB", ".scale", ".scale_weight", ".input_scale"])
  func aCompanionOfTheLayerMakesCodes(suffix: String) throws {
    for dtype in [DType.float8E4M3, .int8] {
      #expect(
        try roles([("a.weight", dtype, [4]), ("a\(suffix)", .float32, [4]), ("b", .int64, [1])])
          == [.code, .scale, .integer])
    }
  }

  /// Groups as the writers name them: what is a code, what is a scale, what is neither.
  static let groups: [(writer: String, tensors: [(String, DType, [Int])], roles: [TensorRole])] = [
    (
      "torchao",
      [
        ("0._weight_qdata", .int8, [16, 32]), ("0._weight_scale", .bfloat16, [16, 1]),
        ("0._weight_zero_point", .int8, [16, 1]), ("0.bias", .float32, [16]),
      ], [.code, .scale, .scale, .weight]
    ),
    (
      "EXL2",
      [
        ("q.q_weight", .int32, [64, 64]), ("q.q_scale", .int32, [4, 8]),
        ("q.q_scale_max", .float16, [4]), ("q.q_groups", .int16, [8]),
        ("q.q_invperm", .int32, [64]), ("norm.weight", .float16, [64]),
      ], [.code, .scale, .scale, .code, .code, .weight]
    ),
    (
      "quanto",
      [
        ("l.weight._data", .int8, [8, 8]), ("l.weight._scale", .float32, [8, 1]),
        ("l.bias", .float32, [8]),
      ], [.code, .scale, .weight]
    ),
    (
      "HQQ",
      [
        ("l.W_q", .uint8, [8, 8]), ("l.scale", .float16, [8]), ("l.zero", .float16, [8]),
        ("l.shape", .int32, [2]), ("l.bias", .float16, [8]),
      ], [.code, .scale, .scale, .integer, .weight]
    ),
    (
      "AQLM",
      [
        ("l.codes", .int16, [8, 4, 2]), ("l.codebooks", .float16, [2, 65536, 1, 8]),
        ("l.scales", .float16, [8, 1, 1, 1]),
      ], [.code, .scale, .scale]
    ),
    (
      "MXFP4",
      [
        ("e.gate_up_proj_blocks", .uint8, [4, 8, 16]), ("e.gate_up_proj_scales", .uint8, [4, 8]),
        ("e.gate_up_proj_bias", .bfloat16, [4, 8]), ("e.down_proj_blocks", .uint8, [4, 8, 16]),
        ("e.down_proj_scales", .uint8, [4, 8]),
      ], [.code, .scale, .weight, .code, .scale]
    ),
    (
      "Marlin", [("l.B", .int32, [8, 64]), ("l.s", .float16, [1, 64])], [.code, .scale]
    ),
    (
      "bitsandbytes",
      [
        ("l.weight", .uint8, [32, 1]), ("l.weight.absmax", .uint8, [8]),
        ("l.weight.nested_absmax", .float32, [1]), ("l.weight.quant_map", .float32, [16]),
        ("l.bias", .float16, [8]),
      ], [.code, .scale, .scale, .scale, .weight]
    ),
    (
      "NVFP4",
      [
        ("l.weight", .uint8, [8, 8]), ("l.weight_scale", .float8E4M3, [8, 1]),
        ("l.weight_scale_2", .float32, []), ("l.input_scale", .float32, []),
      ], [.code, .scale, .scale, .scale]
    ),
  ]

  @Test(arguments: groups.indices)
  func theGroupsOfWritersAreKnown(index: Int) throws {
    let group = QuantizedPartsTests.groups[index]
    #expect(try roles(group.tensors) == group.roles, "\(group.writer)")
  }

  @Test func dtypesWithoutArithmeticAreCodes() throws {
    let dtypes: [DType] = [
      .float4, .float8E8M0, .float8E4M3FNUZ, .float8E5M2FNUZ, .float6E2M3,
    ]
    let tensors = dtypes.enumerated().map { ("t\($0)", $1, [4]) }
    #expect(try roles(tensors) == dtypes.map { _ in .code })
  }

  @Test func aQuantizedModelHasCodesWithoutCompanions() throws {
    let tensors: [(String, DType, [Int])] = [
      ("a.weight", .float8E4M3, [4]), ("a.g_idx", .int32, [4]), ("a.scales", .float16, [4]),
      ("norm", .float16, [4]),
    ]
    #expect(try roles(tensors) == [.weight, .integer, .weight, .weight])
    #expect(try roles(tensors, isQuantized: true) == [.code, .code, .scale, .weight])
    #expect(
      try roles(tensors + [("a.qweight", .int32, [4])])
        == [.code, .code, .scale, .weight, .code])
  }
}
