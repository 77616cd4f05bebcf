import TensorCore

/// The variables of one layer, optimizer or metric of Keras 3, which numbers them: `layers/dense/vars/0`.
///
/// The group `vars` has the name of its owner as an attribute. The path is made of attributes' names and, in models,
/// of classes.
struct KerasVariables {
  /// Where the owner is: `layers/block/bn1`, its names in small letters.
  let path: [Substring]
  /// The owner's name without the number behind it; empty when the file does not tell it.
  let name: String
  /// Whether the configuration tells that it is a batch normalisation.
  let isBatchNormalization: Bool
  /// The variables by their numbers.
  let infos: [TensorInfo]

  /// Optimizers by the names that Keras gives them.
  private static let optimizers: Set<String> = [
    "adadelta", "adafactor", "adagrad", "adam", "adam_w", "adamax", "adamw", "ftrl", "lamb", "lion",
    "loss_scale_optimizer", "muon", "nadam", "rm_sprop", "rmsprop", "schedule_free_adam_w", "sgd",
  ]

  /// What the variables are to the model, in their order; nil where nothing tells.
  func roles() -> [TensorRole?] {
    if isOptimizer { return infos.map { _ in .optimizerState } }
    if isSeed || isMetric { return infos.map { _ in .progress } }
    return quantizedRoles ?? statisticRoles ?? infos.map { _ in nil }
  }

  /// Optimizers start with their count of steps, and most with their learning rate.
  private var isOptimizer: Bool {
    if path.contains(where: { $0.hasSuffix("optimizer") || $0.hasSuffix("optimizers") }) {
      return true
    }
    guard let first = infos.first, first.isCount else { return false }
    let hasRate = infos.count > 1 && infos[1].isFloatingScalar
    return hasRate || KerasVariables.optimizers.contains(name)
  }

  /// Generators of random numbers have two words.
  private var isSeed: Bool {
    let isNamed =
      path.last?.hasPrefix("seed_generator") == true || name.hasPrefix("seed_generator")
    return infos.allSatisfy { info in
      info.dtype.kind == .integer && (isNamed || infos.count == 1 && info.isSeed)
    } && !infos.isEmpty
  }

  /// Metrics are counts and sums that start again with each epoch.
  private var isMetric: Bool {
    guard let last = path.last else { return false }
    return last.hasSuffix("tracker") || last.hasSuffix("metric")
      || path.contains { $0.hasSuffix("metrics") }
  }

  /// Codes in a layer are its quantised kernel or table; floats are its bias, or what belongs to codes.
  private var quantizedRoles: [TensorRole?]? {
    let isCode = infos.map {
      ($0.dtype == .int8 || $0.dtype == .uint8) && $0.shape.rank > 0
    }
    guard let firstCode = isCode.firstIndex(of: true) else { return float8Roles }
    let floats = infos.indices.filter { infos[$0].dtype.kind == .floating }
    guard !floats.isEmpty else { return nil }
    // GPTQ and AWQ store the bias first; else it comes after the kernel, where there are scales besides.
    let isTable = path.last?.contains("embedding") == true || name.contains("embedding")
    let bias =
      firstCode > 0
      ? floats.first { $0 < firstCode } : isTable || floats.count < 2 ? nil : floats[0]
    return infos.indices.map { index in
      isCode[index] ? .code : index == bias ? .weight : .scale
    }
  }

  /// Behind the kernel and the bias, float8 training has a scale and a history for inputs, kernel and gradients.
  private var float8Roles: [TensorRole?]? {
    let tail = infos.suffix(6)
    guard infos.count > 6, infos.allSatisfy({ $0.dtype.kind == .floating }),
      let history = tail.last?.shape, history.rank == 1,
      tail.enumerated().allSatisfy({ place, info in
        place % 2 == 0 ? info.shape.rank == 0 : info.shape == history
      })
    else { return nil }
    return infos.indices.map { $0 < infos.count - 6 ? .weight : .scale }
  }

  /// The statistics of a normalisation; nil when it has none.
  var statisticRoles: [TensorRole?]? {
    if let roles = measuredRoles { return roles }
    guard let least = leastVectorCount else { return nil }
    // Other variables of a subclass have other shapes, or come first, as those that are trained.
    let vectors = infos.indices.filter {
      infos[$0].dtype.kind == .floating && infos[$0].shape.rank == 1
    }
    let alike = vectors.filter { infos[$0].shape == infos[vectors[0]].shape }
    guard alike.count >= least else { return nil }
    return infos.indices.map { index in
      index == alike[alike.count - 2]
        ? .statistic(.mean) : index == alike[alike.count - 1] ? .statistic(.variance) : .weight
    }
  }

  /// How many vectors a batch normalisation has at least, when this may be one; nil when it is none.
  private var leastVectorCount: Int? {
    let owner = path.last ?? ""
    if isBatchNormalization || name.isBatchNormalization || owner.isBatchNormalization { return 2 }
    // An attribute `bn` holds what people give it: a layer normalisation has two vectors.
    if name.contains("normalization") { return nil }
    return name.isShortForBatchNormalization || owner.isShortForBatchNormalization ? 3 : nil
  }

  /// `Normalization` has a mean, a variance and a count.
  private var measuredRoles: [TensorRole?]? {
    guard infos.count == 3, infos[2].isCount, infos[0].shape == infos[1].shape,
      infos.prefix(2).allSatisfy({ $0.dtype.kind == .floating })
    else { return nil }
    return [.statistic(.mean), .statistic(.variance), .statistic(.batchCount)]
  }
}

extension StringProtocol {
  /// Whether a name in small letters is that of the class, or of one like it.
  fileprivate var isBatchNormalization: Bool { contains("batch_norm") || contains("batchnorm") }

  /// Whether a name has a part that people call batch normalisations by: `bn1`, `conv1_bn`, `bn2a_branch2a`.
  fileprivate var isShortForBatchNormalization: Bool {
    split(separator: "_").contains { part in
      part.hasPrefix("bn") && part.dropFirst(2).drop(while: \.isNumber).count <= 1
    }
  }
}

extension TensorInfo {
  /// Whether it is one integer.
  fileprivate var isCount: Bool { shape.rank == 0 && dtype.kind == .integer }

  /// Whether it is one real number.
  fileprivate var isFloatingScalar: Bool { shape.rank == 0 && dtype.kind == .floating }

  /// Whether it is what a generator of random numbers remembers.
  fileprivate var isSeed: Bool {
    (dtype == .uint32 || dtype == .int64 || dtype == .int32) && shape.dimensions == [2]
  }
}
