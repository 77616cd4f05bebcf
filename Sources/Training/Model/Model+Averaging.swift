import TensorCore

extension Model {
  /// The mean of models, as `imwa-avg merge` computes it: in float64, in order, rounded once.
  ///
  /// Counters of batches are those of the first.
  public static func average(of models: [Model]) -> Model {
    precondition(!models.isEmpty, "an average needs models")
    let layout = models[0].layout
    precondition(models.allSatisfy { $0.architecture == layout.architecture })
    let valueCount = models[0].values.count
    let byteCount = valueCount * 4
    let buffer = ByteBuffer(count: byteCount * (models.count + 1))
    var operands = BlockOperands()
    for (index, model) in models.enumerated() {
      buffer.copy(
        from: model.values.bytes(in: 0..<valueCount), range: 0..<byteCount, to: index * byteCount)
      operands.inputOffsets.append(index * byteCount)
    }
    operands.inputDTypes = models.map { _ in .float32 }
    operands.outputOffset = models.count * byteCount
    operands.elementCount = valueCount
    _ = BlockOperation.linear(.uniform(inputCount: models.count)).evaluate(operands, in: buffer)
    let values = FloatBuffer(count: valueCount)
    values.copy(
      fromBytes: buffer.bytes(in: operands.outputOffset..<operands.outputOffset + byteCount), to: 0)
    return Model(
      layout: layout, values: values, trackedBatchCount: models[0].trackedBatchCount)
  }

  /// Takes the values of another model.
  func takeValues(of other: Model) {
    precondition(architecture == other.architecture)
    values.copy(from: other.values, range: 0..<values.count, to: 0)
    trackedBatchCount = other.trackedBatchCount
  }
}
