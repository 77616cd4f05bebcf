/// A multilayer perceptron with its values.
public final class Model {
  /// Its shape.
  public let architecture: Architecture

  let layout: ParameterLayout
  let values: FloatBuffer
  /// How many batches the running statistics have seen.
  var trackedBatchCount: Int

  init(layout: ParameterLayout, values: FloatBuffer, trackedBatchCount: Int) {
    architecture = layout.architecture
    self.layout = layout
    self.values = values
    self.trackedBatchCount = trackedBatchCount
  }

  /// Starts a network with random weights: He's initialisation, biases zero.
  public convenience init(_ architecture: Architecture, seed: UInt64) {
    let layout = ParameterLayout(architecture)
    let values = FloatBuffer(count: layout.valueCount)
    var random = RandomNumbers(seed: seed, purpose: .initialWeights)
    for entry in layout.entries {
      switch entry.initial {
      case .normal(let deviation):
        random.fillNormal(values, entry.range)
        values.scale(entry.range, by: deviation)
      case .constant(let value):
        values.copy(from: Array(repeating: value, count: entry.count), to: entry.offset)
      }
    }
    self.init(layout: layout, values: values, trackedBatchCount: 0)
  }

  /// A model of its own with the same values.
  public func copy() -> Model {
    Model(
      layout: layout, values: FloatBuffer(copying: values), trackedBatchCount: trackedBatchCount)
  }

  /// The L2 distance of what is trained, in float64.
  public func distance(to other: Model) -> Double {
    precondition(architecture == other.architecture)
    return layout.entries.filter { $0.offset < layout.trainedCount }.reduce(0) { sum, entry in
      sum + TrainingLoops.squaredDistance(values, other.values, entry.range)
    }.squareRoot()
  }
}
