import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct BatchNormStatisticsTests {
  private func roles(of names: [String]) throws -> [BatchNormStatistics.Role?] {
    let map = try WeightMap(names.map { try Tensor(name: $0, shape: Shape([1]), values: [0]) })
    let statistics = BatchNormStatistics(map)
    return names.map { statistics.role(of: $0) }
  }

  @Test func namesOfTheFrameworksAreKnown() throws {
    #expect(
      try roles(of: [
        "bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
        "bn/bn/moving_mean:0", "bn/bn/moving_variance:0", "bn/moving_mean",
        "batch_stats/bn/mean", "batch_stats/bn/var",
      ]) == [.mean, .variance, .batchCount, .mean, .variance, .mean, .mean, .variance])
  }

  @Test func otherNamesAreNot() throws {
    let names = [
      "bn.weight", "a/batch_normalization/vars/9223372036854775807", "running_mean_head.weight",
      "bn/gamma:0", "params/bn/mean", "mean",
      "layers/dense/vars/2", "layers/dense/vars/3",
      "batch_normalization/vars/9223372036854775807", "batch_normalization/vars/-1",
    ]
    #expect(try roles(of: names).allSatisfy { $0 == nil })
  }

  @Test(arguments: [2, 3, 4])
  func theLastTwoVariablesOfKeras3AreStatistics(count: Int) throws {
    let names = (0..<count).map { "layers/batch_normalization_7/vars/\($0)" }
    let parameters = [BatchNormStatistics.Role?](repeating: nil, count: count - 2)
    #expect(try roles(of: names) == parameters + [.mean, .variance])
  }

  @Test(arguments: [
    ("safetensors/cnn_bn_s1.safetensors", 6), ("hdf5/keras3_cnn_bn_s1.weights.h5", 4),
    ("hdf5/keras3_cnn_bn_s1.h5", 4), ("hdf5/keras2_cnn_bn_full_s1.h5", 2),
    ("safetensors/mlp_s1.safetensors", 0),
  ])
  func fixturesHaveSoMany(file: String, count: Int) throws {
    let map = try WeightMap(contentsOf: Fixtures.path(file))
    let statistics = BatchNormStatistics(map)
    #expect(map.tensors.filter { statistics.role(of: $0.info.name) != nil }.count == count)
  }
}
