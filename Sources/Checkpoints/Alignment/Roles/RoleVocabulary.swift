import TensorCore

/// The words in names of tensors by which frameworks and trainers say what a tensor is.
///
/// Words are compared without regard to case. PyTorch and safetensors join them with dots, HDF5, Flax and Orbax with
/// slashes, Keras on Windows with backslashes.
enum RoleVocabulary {
  /// What a component of a name says of all tensors below it.
  enum Place: Sendable, Hashable {
    /// State of an optimizer.
    case optimizer
    /// Flax's collection of running statistics.
    case batchStatistics
    /// Haiku's moving mean or variance, whose tensors are `average`, `hidden` and `counter`.
    case movingStatistic(TensorRole)
    /// Progress of training.
    case progress
    /// A copy of the model that training averaged.
    case movingAverage
  }

  /// What the last component of a name says of its tensor.
  enum Leaf: Sendable, Hashable {
    /// The role, whatever is beside it.
    case role(TensorRole)
    /// What an optimizer keeps for a weight; what stands beside it is kept by the optimizer, too.
    case slot
    /// What TensorFlow's optimizers keep, named after the weight above it.
    case slotOfOwner
    /// `mean`, below a collection of statistics.
    case mean
    /// `var`, below a collection of statistics.
    case variance
    /// Chainer's count of batches, beside its averages.
    case chainerCount
    /// A buffer that the architecture determines, when it holds whole numbers or truth values.
    case constant
  }

  /// Components that count wherever they stand.
  static let places = WordTable<Place>([
    "optim": .optimizer, "opt_state": .optimizer, "opt_states": .optimizer,
    "optim_state": .optimizer, "optim_states": .optimizer, "optim_state_dict": .optimizer,
    ".optimizer_slot": .optimizer, "optimizer_slot": .optimizer,
    "batch_stats": .batchStatistics,
    "mean_ema": .movingStatistic(.statistic(.mean)),
    "var_ema": .movingStatistic(.statistic(.variance)),
    "rng_state": .progress, "rng_states": .progress, "random_state": .progress,
    "random_states": .progress, "seed_generator": .progress, "seed_generator_state": .progress,
    "cuda_rng_state": .progress, "torch_rng_state": .progress, "numpy_rng_state": .progress,
    "cuda_rng_state_all": .progress, "random_rng_state": .progress,
  ])

  /// Components that count where a name begins.
  static let roots = WordTable<Place>([
    "lr_scheduler": .progress, "lr_schedulers": .progress, "scheduler": .progress,
    "schedulers": .progress, "grad_scaler": .progress, "loss_scaler": .progress,
    "dataloader": .progress, "data_loader": .progress, "train_dataloader": .progress,
    "metrics": .progress, "loops": .progress, "callbacks": .progress,
    "ema": .movingAverage, "model_ema": .movingAverage, "ema_model": .movingAverage,
    "state_dict_ema": .movingAverage, "ema_state_dict": .movingAverage,
    "model_state_dict_ema": .movingAverage, "model_ema_state_dict": .movingAverage,
    "params_ema": .movingAverage, "ema_params": .movingAverage, "net_ema": .movingAverage,
    "ema_net": .movingAverage, "g_ema": .movingAverage, "generator_ema": .movingAverage,
    "netg_ema": .movingAverage, "unet_ema": .movingAverage, "ema_unet": .movingAverage,
    "module_ema": .movingAverage, "averaged_model": .movingAverage, "swa_model": .movingAverage,
  ])

  /// Last components.
  static let leaves = WordTable<Leaf>([
    "running_mean": .role(.statistic(.mean)), "moving_mean": .role(.statistic(.mean)),
    "avg_mean": .role(.statistic(.mean)), "_mean": .role(.statistic(.mean)),
    "running_var": .role(.statistic(.variance)), "moving_var": .role(.statistic(.variance)),
    "running_variance": .role(.statistic(.variance)),
    "moving_variance": .role(.statistic(.variance)),
    // Keras 1 called its running variance so.
    "running_std": .role(.statistic(.variance)),
    "avg_var": .role(.statistic(.variance)), "_variance": .role(.statistic(.variance)),
    "num_batches_tracked": .role(.statistic(.batchCount)),
    "mean": .mean, "var": .variance, "n": .chainerCount,
    "exp_avg": .slot, "exp_avg_sq": .slot, "max_exp_avg_sq": .slot, "exp_avg_sq_row": .slot,
    "exp_avg_sq_col": .slot, "exp_avg_diff": .slot, "exp_avg_slow": .slot, "exp_inf": .slot,
    "momentum_buffer": .slot, "square_avg": .slot, "acc_delta": .slot, "mu_product": .slot,
    "exp_hessian_diag": .slot, "hessian": .slot,
    "adam": .slotOfOwner, "adam_1": .slotOfOwner, "adam_m": .slotOfOwner, "adam_v": .slotOfOwner,
    "momentum": .slotOfOwner, "rmsprop": .slotOfOwner, "rmsprop_1": .slotOfOwner,
    "adagrad": .slotOfOwner, "adadelta": .slotOfOwner, "adadelta_1": .slotOfOwner,
    "ftrl": .slotOfOwner, "ftrl_1": .slotOfOwner, "lamb": .slotOfOwner, "lamb_1": .slotOfOwner,
    "beta1_power": .role(.optimizerState), "beta2_power": .role(.optimizerState),
    "position_ids": .constant, "token_type_ids": .constant, "relative_position_index": .constant,
    "attn_mask": .constant, "attention_mask": .constant, "causal_mask": .constant,
    "mask": .constant, "pos_ids": .constant,
  ])

  /// Ends of last components that hold the name of the layer as well: `bn_1_running_mean` of Keras 1 and MXNet.
  static let leafEnds: [(end: [UInt8], role: TensorRole)] = leafEndRoles.map { end, role in
    (Array(end.utf8), role)
  }

  private static let leafEndRoles: [(String, TensorRole)] = [
    ("_running_mean", .statistic(.mean)), ("_moving_mean", .statistic(.mean)),
    ("_running_std", .statistic(.variance)), ("_running_var", .statistic(.variance)),
    ("_running_variance", .statistic(.variance)), ("_moving_var", .statistic(.variance)),
    ("_moving_variance", .statistic(.variance)),
    ("_num_batches_tracked", .statistic(.batchCount)),
  ]

  /// The words for a variance and for the mean beside it.
  static let variancesAndMeans = [
    ("running_variance", "running_mean"), ("running_var", "running_mean"),
    ("running_std", "running_mean"), ("moving_variance", "moving_mean"),
    ("moving_var", "moving_mean"), ("avg_var", "avg_mean"), ("_variance", "_mean"),
    ("var", "mean"), ("variance", "mean"),
  ]
}

/// Words that are found by their bytes; length and first byte rule most others out at once.
struct WordTable<Meaning: Sendable>: Sendable {
  private let meanings: [String: Meaning]
  /// For each first byte, a bit for each length that a word with it has.
  private let lengths: [UInt64]

  /// - Parameter meanings: lower-case words of less than 64 bytes.
  init(_ meanings: [String: Meaning]) {
    self.meanings = meanings
    var lengths = [UInt64](repeating: 0, count: 256)
    for word in meanings.keys {
      guard let first = word.utf8.first else { continue }
      lengths[Int(first)] |= 1 << UInt64(word.utf8.count)
    }
    self.lengths = lengths
  }

  /// What the word in `range` means; nil for others.
  func meaning(of name: Span<UInt8>, in range: Range<Int>) -> Meaning? {
    guard let first = range.first, range.count < 64,
      lengths[Int(name[first].lowercased)] >> UInt64(range.count) & 1 != 0
    else { return nil }
    return meanings[String(decoding: range.map { name[$0].lowercased }, as: UTF8.self)]
  }
}

extension UInt8 {
  /// The letter in lower case; other bytes are as they are.
  var lowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}
