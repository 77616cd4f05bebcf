import TensorCore

/// Where the values of a network stand in its buffer, and what they are called.
///
/// What is trained comes first; the running statistics of batch normalisation follow. Each tensor starts at
/// a multiple of 64 bytes. The names are those of `torch.nn.Sequential(Linear, BatchNorm1d, ReLU, …)` in a
/// module `layers`, so that PyTorch loads a checkpoint into one.
struct ParameterLayout: Sendable {
  /// A tensor of the network.
  struct Entry: Sendable {
    let name: String
    let shape: [Int]
    let offset: Int
    /// How the values start: normally distributed around zero, or all alike.
    let initial: Initial

    var count: Int { shape.reduce(1, *) }
    var range: Range<Int> { offset..<offset + count }
  }

  /// The values of a tensor before training.
  enum Initial: Sendable {
    case normal(deviation: Float)
    case constant(Float)
  }

  /// A linear layer, and what follows it.
  struct Layer: Sendable {
    let inputCount: Int
    let outputCount: Int
    let weight: Int
    let bias: Int
    let batchNorm: BatchNorm?

    /// The distance of the rows of its outputs.
    var outputStride: Int { FloatBuffer.padded(outputCount) }
  }

  /// A layer of batch normalisation: the places of its values.
  struct BatchNorm: Sendable {
    let scale: Int
    let shift: Int
    let runningMean: Int
    let runningVariance: Int
    /// The name of the counter of batches, which is no float.
    let counterName: String
  }

  let architecture: Architecture
  let layers: [Layer]
  /// In the order of PyTorch's `state_dict`.
  let entries: [Entry]
  /// How many values are trained, with padding.
  let trainedCount: Int
  /// How many values there are, with padding.
  let valueCount: Int

  init(_ architecture: Architecture) {
    self.architecture = architecture
    let outputs = architecture.hiddenCounts + [architecture.classCount]
    let inputs = [architecture.inputCount] + architecture.hiddenCounts
    let trained = zip(inputs, outputs).enumerated().reduce(0) { sum, layer in
      let (input, output) = layer.element
      let normalizes = architecture.hasBatchNorm && layer.offset < outputs.count - 1
      return sum + FloatBuffer.padded(input * output)
        + FloatBuffer.padded(output) * (normalizes ? 3 : 1)
    }
    var places = Places(trained: 0, statistics: trained)
    var module = 0
    for (index, (input, output)) in zip(inputs, outputs).enumerated() {
      let isLast = index == outputs.count - 1
      // He's initialisation keeps the variance through rectifiers, which the last layer has none behind.
      let deviation = ((isLast ? 1 : 2) / Float(input)).squareRoot()
      let prefix = "layers.\(module)"
      let weight = places.add(
        "\(prefix).weight", [output, input], .normal(deviation: deviation))
      let bias = places.add("\(prefix).bias", [output], .constant(0))
      module += 1
      var batchNorm: BatchNorm?
      if architecture.hasBatchNorm && !isLast {
        batchNorm = places.addBatchNorm("layers.\(module)", output)
        module += 1
      }
      // The rectifier.
      module += 1
      places.layers.append(
        Layer(
          inputCount: input, outputCount: output, weight: weight, bias: bias, batchNorm: batchNorm))
    }
    layers = places.layers
    entries = places.entries
    trainedCount = trained
    valueCount = places.statistics
  }

  private struct Places {
    var trained: Int
    var statistics: Int
    var entries: [Entry] = []
    var layers: [Layer] = []

    init(trained: Int, statistics: Int) {
      self.trained = trained
      self.statistics = statistics
    }

    mutating func add(_ name: String, _ shape: [Int], _ initial: Initial) -> Int {
      add(name, shape, initial, at: \.trained)
    }

    mutating func add(
      _ name: String, _ shape: [Int], _ initial: Initial, at region: WritableKeyPath<Places, Int>
    ) -> Int {
      let entry = Entry(name: name, shape: shape, offset: self[keyPath: region], initial: initial)
      entries.append(entry)
      self[keyPath: region] += FloatBuffer.padded(entry.count)
      return entry.offset
    }

    mutating func addBatchNorm(_ prefix: String, _ count: Int) -> BatchNorm {
      BatchNorm(
        scale: add("\(prefix).weight", [count], .constant(1)),
        shift: add("\(prefix).bias", [count], .constant(0)),
        runningMean: add("\(prefix).running_mean", [count], .constant(0), at: \.statistics),
        runningVariance: add("\(prefix).running_var", [count], .constant(1), at: \.statistics),
        counterName: "\(prefix).num_batches_tracked")
    }
  }
}
