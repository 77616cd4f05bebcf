/// The forward and backward passes of a model over batches of up to a fixed size.
final class Network {
  private let layout: ParameterLayout
  private let loops: TrainingLoops
  private let capacity: Int
  private let inputStride: Int

  private let inputs: FloatBuffer
  /// The outputs of each layer, behind its rectifier; of the last one, logits, then their gradient.
  private let outputs: [FloatBuffer]
  /// The gradients of the outputs of the hidden layers.
  private let outputGradients: [FloatBuffer]
  private let normalized: [FloatBuffer]
  private let inverseDeviations: [FloatBuffer]
  /// The gradients of what is trained, at the places of the values.
  let gradient: FloatBuffer

  init(_ layout: ParameterLayout, capacity: Int, loops: TrainingLoops = TrainingLoops()) {
    self.layout = layout
    self.loops = loops
    self.capacity = capacity
    inputStride = FloatBuffer.padded(layout.architecture.inputCount)
    inputs = FloatBuffer(count: capacity * inputStride)
    outputs = layout.layers.map { FloatBuffer(count: capacity * $0.outputStride) }
    let hidden = layout.layers.dropLast()
    outputGradients = hidden.map { FloatBuffer(count: capacity * $0.outputStride) }
    normalized = hidden.map {
      FloatBuffer(count: $0.batchNorm == nil ? 0 : capacity * $0.outputStride)
    }
    inverseDeviations = hidden.map {
      FloatBuffer(count: $0.batchNorm == nil ? 0 : $0.outputStride)
    }
    gradient = FloatBuffer(count: layout.trainedCount)
  }

  /// Finds the gradient of the mean loss of samples, which is returned; updates running statistics.
  func backpropagate(
    _ samples: [Int32], of data: DataSet, noise: TrainingLoops.Noise?, noiseOffsets: [UInt32],
    loss: LossTerms, model: Model
  ) -> Double {
    let count = samples.count
    gather(samples, of: data, noise: noise, noiseOffsets: noiseOffsets)
    for index in layout.layers.indices { forward(index, count, model, isTraining: true) }
    if layout.architecture.hasBatchNorm { model.trackedBatchCount += 1 }
    let labels = samples.map { data.labels[Int($0)] }
    let last = layout.layers.count - 1
    let meanLoss = loops.loss(loss, logits: rows(outputs[last], last, count), labels: labels)
    for index in layout.layers.indices.reversed() { backward(index, count, model) }
    return meanLoss
  }

  /// The probabilities of all classes for each sample of a data set, block by block.
  func predict(_ data: DataSet, model: Model, _ body: (Range<Int>, FloatBuffer, Int) -> Void) {
    let last = layout.layers.count - 1
    for start in stride(from: 0, to: data.count, by: capacity) {
      let range = start..<min(start + capacity, data.count)
      gather(range.map { Int32($0) }, of: data, noise: nil, noiseOffsets: [])
      for index in layout.layers.indices { forward(index, range.count, model, isTraining: false) }
      loops.softmax(
        rows(outputs[last], last, range.count), classCount: layout.architecture.classCount)
      body(range, outputs[last], layout.layers[last].outputStride)
    }
  }

  private func gather(
    _ samples: [Int32], of data: DataSet, noise: TrainingLoops.Noise?, noiseOffsets: [UInt32]
  ) {
    precondition(samples.count <= capacity && data.featureCount == layout.architecture.inputCount)
    loops.gather(
      samples, of: data.rows, noise: noise, noiseOffsets: noiseOffsets,
      into: TrainingLoops.Rows(buffer: inputs, count: samples.count, stride: inputStride))
  }

  private func forward(_ index: Int, _ count: Int, _ model: Model, isTraining: Bool) {
    let layer = layout.layers[index]
    let output = rows(outputs[index], index, count)
    MatrixProducts.multiply(
      input(of: index, count), weight(layer, in: model.values).transposed,
      into: matrix(outputs[index], index, count))
    let isHidden = index < layout.layers.count - 1
    loops.addBias(
      TrainingLoops.Columns(buffer: model.values, offset: layer.bias), to: output,
      rectifying: isHidden && layer.batchNorm == nil)
    guard let places = layer.batchNorm else { return }
    let norm = TrainingLoops.BatchNorm(values: model.values, places: places)
    if isTraining {
      loops.normalize(
        output, by: norm, keeping: rows(normalized[index], index, count),
        inverseDeviation: TrainingLoops.Columns(buffer: inverseDeviations[index], offset: 0))
    } else {
      loops.normalize(output, byRunning: norm)
    }
  }

  private func backward(_ index: Int, _ count: Int, _ model: Model) {
    let layer = layout.layers[index]
    let isLast = index == layout.layers.count - 1
    let buffer = isLast ? outputs[index] : outputGradients[index]
    let slope = rows(buffer, index, count)
    if !isLast { loops.rectify(slope, where: rows(outputs[index], index, count)) }
    if let norm = layer.batchNorm {
      loops.normalizeGradient(
        slope, scale: TrainingLoops.Columns(buffer: model.values, offset: norm.scale),
        normalized: rows(normalized[index], index, count),
        inverseDeviation: TrainingLoops.Columns(buffer: inverseDeviations[index], offset: 0),
        scaleGradient: TrainingLoops.Columns(buffer: gradient, offset: norm.scale),
        shiftGradient: TrainingLoops.Columns(buffer: gradient, offset: norm.shift))
    }
    let slopes = matrix(buffer, index, count)
    loops.sumColumns(of: slope, into: TrainingLoops.Columns(buffer: gradient, offset: layer.bias))
    MatrixProducts.multiply(
      slopes.transposed, input(of: index, count), into: weight(layer, in: gradient))
    if index > 0 {
      MatrixProducts.multiply(
        slopes, weight(layer, in: model.values),
        into: matrix(outputGradients[index - 1], index - 1, count))
    }
  }

  private func rows(_ buffer: FloatBuffer, _ index: Int, _ count: Int) -> TrainingLoops.Rows {
    TrainingLoops.Rows(buffer: buffer, count: count, stride: layout.layers[index].outputStride)
  }

  /// The outputs of a layer, or their gradient, without the padding.
  private func matrix(_ buffer: FloatBuffer, _ index: Int, _ count: Int) -> MatrixProducts.Matrix {
    let layer = layout.layers[index]
    return MatrixProducts.Matrix(
      buffer: buffer, rows: count, columns: layer.outputCount, stride: layer.outputStride)
  }

  private func input(of index: Int, _ count: Int) -> MatrixProducts.Matrix {
    if index > 0 { return matrix(outputs[index - 1], index - 1, count) }
    return MatrixProducts.Matrix(
      buffer: inputs, rows: count, columns: layout.architecture.inputCount, stride: inputStride)
  }

  private func weight(_ layer: ParameterLayout.Layer, in buffer: FloatBuffer)
    -> MatrixProducts.Matrix
  {
    MatrixProducts.Matrix(
      buffer: buffer, offset: layer.weight, rows: layer.outputCount, columns: layer.inputCount,
      stride: layer.inputCount)
  }
}
