import CTensorKernels
import CTrainingKernels

/// The C loops behind checked buffers: with `MatrixProducts` and `RandomNumbers`, all that calls them.
@safe struct TrainingLoops {
  private let table: UnsafePointer<imwa_training_loops>

  /// Takes the loops for an instruction set; all give the same numbers.
  init(_ path: imwa_processor_path = imwa_best_path()) {
    unsafe table = imwa_training_loops_for(path)
  }

  /// The part of a buffer that holds rows of so many columns, padding included.
  struct Rows {
    let buffer: FloatBuffer
    let count: Int
    /// The distance of rows, a multiple of `FloatBuffer.laneCount`.
    let stride: Int

    var range: Range<Int> { 0..<count * stride }
  }

  /// Values for the columns of a layer: a place in a buffer, which ends with padding.
  struct Columns {
    let buffer: FloatBuffer
    let offset: Int

    fileprivate func pointer(_ stride: Int) -> UnsafeMutablePointer<Float> {
      unsafe buffer.pointer(to: offset..<offset + stride)
    }
  }

  /// The scaled noise that is added to samples.
  struct Noise {
    let table: FloatBuffer
    let deviation: Float
  }

  /// Copies samples, and adds noise from the table.
  func gather(
    _ samples: [Int32], of features: Rows, noise: Noise?, noiseOffsets: [UInt32], into output: Rows
  ) {
    precondition(output.count == samples.count && output.stride == features.stride)
    precondition(samples.allSatisfy { $0 >= 0 && $0 < features.count })
    if let noise {
      let limit = noise.table.count - features.stride
      precondition(noiseOffsets.count == samples.count)
      precondition(noiseOffsets.allSatisfy { $0 <= limit })
    }
    unsafe table.pointee.gather_rows(
      output.buffer.pointer(to: output.range), features.buffer.pointer(to: features.range), samples,
      samples.count, features.stride, noise?.table.base, noiseOffsets, noise?.deviation ?? 0)
  }

  /// Adds a bias to each row, and rectifies.
  func addBias(_ bias: Columns, to values: Rows, rectifying: Bool) {
    unsafe table.pointee.add_bias(
      values.buffer.pointer(to: values.range), bias.pointer(values.stride), values.count,
      values.stride, rectifying)
  }

  /// Stops the gradient where a rectifier gave zero.
  func rectify(_ gradient: Rows, where activations: Rows) {
    precondition(gradient.range == activations.range)
    unsafe table.pointee.rectify_gradient(
      gradient.buffer.pointer(to: gradient.range), activations.buffer.pointer(to: gradient.range),
      gradient.range.count)
  }

  /// Sums the rows.
  func sumColumns(of values: Rows, into sums: Columns) {
    unsafe table.pointee.sum_columns(
      sums.pointer(values.stride), values.buffer.pointer(to: values.range), values.count,
      values.stride)
  }

  /// A layer of batch normalisation: where its values stand.
  struct BatchNorm {
    /// PyTorch's defaults.
    static let epsilon: Float = 1e-5
    static let momentum: Float = 0.1

    let values: FloatBuffer
    let places: ParameterLayout.BatchNorm

    fileprivate func layer(_ stride: Int) -> imwa_batch_norm {
      unsafe imwa_batch_norm(
        scale: pointer(places.scale, stride), shift: pointer(places.shift, stride),
        running_mean: pointer(places.runningMean, stride),
        running_variance: pointer(places.runningVariance, stride),
        epsilon: BatchNorm.epsilon, momentum: BatchNorm.momentum)
    }

    private func pointer(_ place: Int, _ stride: Int) -> UnsafeMutablePointer<Float> {
      unsafe values.pointer(to: place..<place + stride)
    }
  }

  /// Normalises by the batch's statistics and rectifies.
  func normalize(
    _ values: Rows, by norm: BatchNorm, keeping normalized: Rows, inverseDeviation: Columns
  ) {
    precondition(values.range == normalized.range)
    var layer = unsafe norm.layer(values.stride)
    unsafe table.pointee.normalize_batch(
      &layer, values.buffer.pointer(to: values.range), normalized.buffer.pointer(to: values.range),
      inverseDeviation.pointer(values.stride), values.count, values.stride)
  }

  /// Normalises by the running statistics and rectifies.
  func normalize(_ values: Rows, byRunning norm: BatchNorm) {
    var layer = unsafe norm.layer(values.stride)
    unsafe table.pointee.normalize_running(
      &layer, values.buffer.pointer(to: values.range), values.count, values.stride)
  }

  /// Turns the gradient of a normalised layer into that of its input, and finds those of its values.
  func normalizeGradient(
    _ gradient: Rows, scale: Columns, normalized: Rows, inverseDeviation: Columns,
    scaleGradient: Columns, shiftGradient: Columns
  ) {
    precondition(gradient.range == normalized.range)
    unsafe table.pointee.normalize_gradient(
      scale.pointer(gradient.stride), gradient.buffer.pointer(to: gradient.range),
      normalized.buffer.pointer(to: gradient.range), inverseDeviation.pointer(gradient.stride),
      scaleGradient.pointer(gradient.stride), shiftGradient.pointer(gradient.stride),
      gradient.count, gradient.stride)
  }

  /// Replaces logits by the gradient of the loss, which is returned.
  func loss(_ terms: LossTerms, logits: Rows, labels: [Int32]) -> Double {
    let classCount = terms.classWeights.count
    precondition(labels.count == logits.count && terms.logitOffsets.count >= logits.stride)
    precondition(labels.allSatisfy { $0 >= 0 && $0 < classCount })
    return unsafe terms.margins.withUnsafeBufferPointer { margins in
      unsafe terms.classWeights.withUnsafeBufferPointer { classWeights in
        var loss = unsafe imwa_loss(
          logit_offsets: terms.logitOffsets.base, margins: margins.baseAddress,
          class_weights: classWeights.baseAddress, scale: terms.scale, focus: terms.focus)
        return unsafe table.pointee.softmax_loss(
          &loss, logits.buffer.pointer(to: logits.range), labels, logits.count, logits.stride)
      }
    }
  }

  /// Replaces logits by probabilities.
  func softmax(_ logits: Rows, classCount: Int) {
    precondition(classCount <= logits.stride)
    unsafe table.pointee.softmax(
      logits.buffer.pointer(to: logits.range), logits.count, logits.stride, classCount)
  }

  /// A step of stochastic gradient descent on the first `count` values.
  func step(
    _ step: imwa_sgd, values: FloatBuffer, gradient: FloatBuffer, velocity: FloatBuffer, count: Int
  ) {
    var step = step
    let range = 0..<count
    precondition(count % FloatBuffer.laneCount == 0)
    unsafe table.pointee.sgd_step(
      &step, values.pointer(to: range), gradient.pointer(to: range), velocity.pointer(to: range),
      count)
  }

  /// A step of AdamW on the first `count` values.
  func step(
    _ step: imwa_adamw, values: FloatBuffer, gradient: FloatBuffer, firstMoment: FloatBuffer,
    secondMoment: FloatBuffer, count: Int
  ) {
    var step = step
    let range = 0..<count
    precondition(count % FloatBuffer.laneCount == 0)
    unsafe table.pointee.adamw_step(
      &step, values.pointer(to: range), gradient.pointer(to: range), firstMoment.pointer(to: range),
      secondMoment.pointer(to: range), count)
  }

  /// average ← decay · average + (1 − decay) · values.
  func update(_ average: FloatBuffer, with values: FloatBuffer, decay: Float) {
    precondition(average.count == values.count)
    unsafe table.pointee.update_average(average.base, values.base, decay, values.count)
  }

  /// The sum of squared differences of a range of two buffers.
  static func squaredDistance(_ left: FloatBuffer, _ right: FloatBuffer, _ range: Range<Int>)
    -> Double
  {
    unsafe imwa_squared_distance(left.pointer(to: range), right.pointer(to: range), range.count)
  }
}
