import TensorCore
import Testing

@testable import Checkpoints

@Suite struct PackedTensorsTests {
  private func packed(_ tensors: [(String, DType)], isQuantized: Bool = false) throws -> Set<String>
  {
    let map = try WeightMap(
      tensors.map { name, dtype in
        Tensor(
          try TensorInfo(name: name, dtype: dtype, shape: Shape([4])),
          storage: .bytes(MemoryBytes([]), offset: 0))
      }, isQuantized: isQuantized)
    let packed = PackedTensors(map)
    return Set(
      map.tensors.filter { tensor in
        packed.contains(
          tensor, endsUsually: !NameEndings.special.mayEnd(tensor.info.name))
      }.map(\.info.name))
  }

  @Test func plainWeightsAreNotPacked() throws {
    #expect(
      try packed([("w", .float32), ("scale", .float32), ("n", .int64), ("f8", .float8E4M3)]) == [])
  }

  @Test(arguments: ["_scale", "_scale_inv", "_scale_2", ".scale", ".absmax", ".SCB"])
  func aCompanionMakesCodes(suffix: String) throws {
    for dtype in [DType.float8E4M3, .float8E5M2, .int8, .uint8] {
      #expect(
        try packed([("a.weight", dtype), ("a.weight\(suffix)", .float32), ("b.weight", dtype)])
          == ["a.weight", "a.weight\(suffix)"])
    }
    #expect(try packed([("a.weight", .float32), ("a.weight\(suffix)", .float32)]) == [])
  }

  @Test(arguments: [".SCB", ".scale", ".scale_weight", ".input_scale"])
  func aCompanionOfTheLayerMakesCodes(suffix: String) throws {
    #expect(
      try packed([("a.weight", .int8), ("a\(suffix)", .float32), ("b.weight", .int8)])
        == ["a.weight", "a\(suffix)"])
    #expect(try packed([("a.weight", .float32), ("a\(suffix)", .float32)]) == [])
  }

  @Test func dtypesWithoutArithmeticArePacked() throws {
    #expect(
      try packed([
        ("a", .float4), ("b", .float8E8M0), ("c", .float8E4M3FNUZ), ("d", .float8E5M2FNUZ),
        ("e", .float6E2M3),
      ]) == ["a", "b", "c", "d", "e"])
  }

  @Test func aQuantizedModelHasCodesWithoutCompanions() throws {
    let tensors: [(String, DType)] = [
      ("a.weight", .float8E4M3), ("a.g_idx", .int32), ("a.scales", .float16), ("norm", .float16),
    ]
    #expect(try packed(tensors) == [])
    #expect(try packed(tensors, isQuantized: true) == ["a.weight", "a.g_idx", "a.scales"])
    #expect(
      try packed(tensors + [("a.qweight", .int32)]) == [
        "a.weight", "a.g_idx", "a.scales", "a.qweight",
      ]
    )
  }
}
