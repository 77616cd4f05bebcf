import TensorCore
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct TensorRolesTests {
  private func roles(of names: [String], _ dtype: DType = .float32) throws -> [TensorRole] {
    let map = try WeightMap(
      names.map { name in
        Tensor(
          try TensorInfo(name: name, dtype: dtype, shape: Shape([1])),
          storage: .bytes(MemoryBytes([]), offset: 0))
      })
    let roles = TensorRoles(map)
    return map.tensors.indices.map { roles[$0] }
  }

  // MARK: - Running statistics

  @Test func statisticsOfTheFrameworksAreKnown() throws {
    let names = [
      "bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
      "bn/bn/moving_mean:0", "bn/bn/moving_variance:0", "bn/moving_mean", "bn\\moving_variance",
      "batch_stats/bn/mean", "batch_stats/bn/var",
      "batchnormalization_1_running_mean", "batchnormalization_1_running_std",
      "predictor/bn/avg_mean", "predictor/bn/avg_var", "predictor/bn/N",
      "net/batch_norm/~/mean_ema/average", "net/batch_norm/~/var_ema/average",
      "net/batch_norm/~/var_ema/counter", "bn1._mean", "bn1._variance", "bn0_moving_var",
      "bn/moving_mean/.ATTRIBUTES/VARIABLE_VALUE",
    ]
    let kinds: [NormalizationStatistic] = [
      .mean, .variance, .batchCount, .mean, .variance, .mean, .variance, .mean, .variance, .mean,
      .variance, .mean, .variance, .batchCount, .mean, .variance, .batchCount, .mean, .variance,
      .variance, .mean,
    ]
    #expect(try roles(of: names) == kinds.map { .statistic($0) })
  }

  @Test func weightsWithSimilarNamesAreNot() throws {
    let names = [
      "bn.weight", "a/batch_normalization/vars/9223372036854775807", "running_mean_head.weight",
      "bn/gamma:0", "params/bn/mean", "mean", "layers/dense/vars/2", "layers/dense/vars/3",
      "batch_normalization/vars/9223372036854775807", "batch_normalization/vars/-1", "head/N",
      "momentum_encoder.weight", "layer.momentum", "optimizerless.weight", "emanation.weight",
      "lookup_table.scale", "norm.scale", "adam", "dense/adam",
    ]
    #expect(try roles(of: names) == names.map { _ in .weight })
  }

  @Test(arguments: [2, 3, 4])
  func theLastTwoVariablesOfKeras3AreStatistics(count: Int) throws {
    let names = (0..<count).map { "layers/batch_normalization_7/vars/\($0)" }
    let parameters = [TensorRole](repeating: .weight, count: count - 2)
    #expect(
      try roles(of: names) == parameters + [.statistic(.mean), .statistic(.variance)])
  }

  @Test(arguments: [
    ("bn.running_var", "bn.running_mean"), ("bn/moving_variance:0", "bn/moving_mean:0"),
    ("b_running_std", "b_running_mean"), ("bn/avg_var", "bn/avg_mean"),
    ("bn._variance", "bn._mean"), ("batch_stats/bn/var", "batch_stats/bn/mean"),
    ("bn/~/var_ema/average", "bn/~/mean_ema/average"),
    ("x/batch_normalization/vars/1", "x/batch_normalization/vars/0"),
    ("x\\batch_normalization\\vars\\1", "x\\batch_normalization\\vars\\0"),
    (
      "bn/moving_variance/.ATTRIBUTES/VARIABLE_VALUE", "bn/moving_mean/.ATTRIBUTES/VARIABLE_VALUE"
    ),
  ])
  func aVarianceHasAMean(variance: String, mean: String) throws {
    let map = try WeightMap(
      [mean, variance].map { try Tensor(name: $0, shape: Shape([1]), values: [0]) })
    #expect(TensorRoles(map).mean(ofVarianceAt: 1)?.info.name == mean)
    #expect(TensorRoles(map).mean(ofVarianceAt: 0) == nil)
  }

  @Test(arguments: [
    ("safetensors/cnn_bn_s1.safetensors", 6), ("hdf5/keras3_cnn_bn_s1.weights.h5", 4),
    ("hdf5/keras3_cnn_bn_s1.h5", 4), ("hdf5/keras2_cnn_bn_full_s1.h5", 2),
    ("safetensors/mlp_s1.safetensors", 0),
  ])
  func fixturesHaveSoManyStatistics(file: String, count: Int) throws {
    let map = try WeightMap(contentsOf: Fixtures.path(file))
    let roles = TensorRoles(map)
    let found = map.tensors.indices.count { index in
      if case .statistic = roles[index] { true } else { false }
    }
    #expect(found == count)
  }

  // MARK: - Optimizers and progress

  @Test func optimizersAreKnownWhateverTheirNumber() throws {
    let names = [
      "optimizer/vars/2", "d_optimizer/vars/2", "gan/generator_optimizer/vars/0",
      "optimizerG.state.0.square_avg", "optimizer_states.0.state.1.exp_avg", "optim.m",
      "d_optim.state.0.exp_avg", "opt_state/0/mu/dense/kernel", "opt_state\\0\\nu\\w",
      "optimizer_weights/adam/dense/kernel/m:0", "updater/optimizer:main/t",
      "m/.OPTIMIZER_SLOT/optimizer/m/x", "inner_optimizers.0.state", "beta1_power",
      "layers.0.w.exp_avg", "layers.0.w.step", "a.momentum_buffer",
    ]
    #expect(try roles(of: names) == names.map { _ in .optimizerState })
  }

  @Test func slotsOfTensorFlowBelongToAWeight() throws {
    #expect(
      try roles(of: ["dense/kernel", "dense/kernel/Adam", "dense/kernel/Adam_1", "other/Adam"])
        == [.weight, .optimizerState, .optimizerState, .weight])
  }

  @Test func progressIsNoWeight() throws {
    let names = [
      "rng_state", "random_states.cuda.0", "dropout/seed_generator/vars/0", "metrics/mean/vars/0",
      "lr_schedulers.0.last_lr", "seed_generator_state",
    ]
    #expect(try roles(of: names) == names.map { _ in .progress })
  }

  // MARK: - Averages

  @Test func anAverageBesideAModelIsNoSecondModel() throws {
    #expect(
      try roles(of: ["model.w", "model_ema.modelw", "model_ema.decay"])
        == [.weight, .movingAverage, .movingAverage])
    #expect(try roles(of: ["ema.w", "ema.b"]) == [.weight, .weight])
  }

  // MARK: - Integers

  @Test func integersAreNoWeights() throws {
    #expect(
      try roles(of: ["n", "embeddings.position_ids", "bn.num_batches_tracked"], .int64)
        == [.integer, .constant, .statistic(.batchCount)])
    #expect(try roles(of: ["attn.mask"], .float32) == [.weight])
  }

  @Test func whatAFileDeclaresComesFirst() throws {
    let tensor = try Tensor(name: "bn.running_mean", shape: Shape([1]), values: [0])
    let map = try WeightMap([tensor.declared(.optimizerState)])
    #expect(TensorRoles(map)[0] == .optimizerState)
  }
}
