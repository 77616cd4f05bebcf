import Checkpoints
public import TensorCore

extension Model {
  private static let firstWeight = "layers.0.weight"

  /// The values as a checkpoint in memory.
  public var weights: WeightMap {
    var tensors: [Tensor] = []
    for entry in layout.entries {
      tensors.append(values.tensor(entry, named: entry.name))
      if let norm = layout.layers.compactMap(\.batchNorm).first(where: {
        $0.runningVariance == entry.offset
      }) {
        tensors.append(.scalar(Int64(trackedBatchCount), named: norm.counterName))
      }
    }
    return WeightMap(distinct: tensors, metadata: [:])
  }

  /// Takes a network from a checkpoint, whose names and shapes tell the architecture.
  ///
  /// - Parameters:
  ///   - weights: the checkpoint; tensors under `optimizer.` are passed over.
  ///   - label: what to call it in messages.
  /// - Throws: `TrainingError` for tensors of another model, and what reading throws.
  public convenience init(_ weights: WeightMap, label: String) throws {
    let layout = ParameterLayout(try Model.architecture(of: weights, label: label))
    let values = FloatBuffer(count: layout.valueCount)
    var known: Set<String> = []
    for entry in layout.entries {
      try values.copy(from: weights, entry, named: entry.name, label: label)
      known.insert(entry.name)
    }
    var tracked = 0
    for norm in layout.layers.compactMap(\.batchNorm) {
      tracked = try weights.integer(named: norm.counterName, label: label) ?? 0
      known.insert(norm.counterName)
    }
    let extra = weights.tensors.map(\.info.name).filter {
      !known.contains($0) && !$0.hasPrefix("optimizer.")
    }
    guard extra.isEmpty else {
      throw TrainingError.badInput(
        "\(label): tensor '\(extra[0])' is not part of a multilayer perceptron",
        hint: "start from a file that 'imwa-train init' made")
    }
    self.init(layout: layout, values: values, trackedBatchCount: tracked)
  }

  /// Reads a network from a checkpoint file of any format.
  ///
  /// - Throws: `TrainingError` for another model, and what reading checkpoints throws.
  public convenience init(contentsOf path: String) throws {
    try self.init(WeightMap(contentsOf: path), label: path)
  }

  private static func architecture(of weights: WeightMap, label: String) throws -> Architecture {
    guard weights[firstWeight] != nil else {
      throw TrainingError.badInput(
        "\(label): there is no tensor '\(firstWeight)', so it is no model of this trainer",
        hint: "start from a file that 'imwa-train init' made")
    }
    let hasBatchNorm = weights["layers.1.running_mean"] != nil
    var counts: [Int] = []
    var module = 0
    while let weight = weights["layers.\(module).weight"] {
      let shape = weight.info.shape.dimensions
      guard shape.count == 2, counts.isEmpty || counts.last == shape[1] else {
        throw TrainingError.badInput(
          "\(label): tensor '\(weight.info.name)': expected a matrix"
            + (counts.last.map { " with \($0) columns" } ?? "") + ", found \(shape)")
      }
      if counts.isEmpty { counts.append(shape[1]) }
      counts.append(shape[0])
      module += hasBatchNorm ? 3 : 2
    }
    return try Architecture(
      inputCount: counts[0], hiddenCounts: Array(counts[1..<counts.count - 1]),
      classCount: counts[counts.count - 1], hasBatchNorm: hasBatchNorm)
  }
}

extension FloatBuffer {
  /// The values of an entry as a tensor.
  func tensor(_ entry: ParameterLayout.Entry, named name: String) -> Tensor {
    do {
      return try Tensor(
        name: name, shape: Shape(entry.shape), encoding: ElementEncoding(.float32),
        bytes: bytes(in: entry.range))
    } catch {
      preconditionFailure("a layout has whole tensors: \(error)")
    }
  }

  /// Reads the values of an entry from a tensor of a checkpoint.
  ///
  /// - Throws: `TrainingError` when it is missing or of another shape, and what reading throws.
  func copy(
    from weights: WeightMap, _ entry: ParameterLayout.Entry, named name: String, label: String
  ) throws {
    guard let tensor = weights[name] else {
      throw TrainingError.badInput("\(label): tensor '\(name)' is missing")
    }
    guard tensor.info.shape.dimensions == entry.shape, tensor.info.dtype.kind == .floating else {
      throw TrainingError.badInput(
        "\(label): tensor '\(name)': expected floating point numbers of shape \(entry.shape), found "
          + "\(tensor.info.dtype.rawValue) \(tensor.info.shape)")
    }
    if tensor.info.dtype == .float32 {
      copy(fromBytes: try tensor.bytes(), to: entry.offset)
    } else {
      copy(from: try tensor.values().map { Float($0) }, to: entry.offset)
    }
  }
}

extension Tensor {
  /// A whole number as a tensor without dimensions.
  static func scalar(_ value: Int64, named name: String) -> Tensor {
    do {
      return try Tensor(
        name: name, shape: Shape([]), encoding: ElementEncoding(.int64),
        bytes: (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
    } catch {
      preconditionFailure("eight bytes are one number: \(error)")
    }
  }
}

extension WeightMap {
  /// The whole number in a tensor of one element; nil when there is no such tensor.
  ///
  /// - Throws: `TrainingError` when it is no number of 64 bits, and what reading throws.
  func integer(named name: String, label: String) throws -> Int? {
    guard let tensor = self[name] else { return nil }
    guard tensor.info.dtype == .int64, tensor.info.shape.elementCount == 1 else {
      throw TrainingError.badInput(
        "\(label): tensor '\(name)': expected one I64, found \(tensor.info.dtype.rawValue) "
          + "\(tensor.info.shape)")
    }
    let pattern = try tensor.bytes().reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int(bitPattern: UInt(pattern))
  }
}
