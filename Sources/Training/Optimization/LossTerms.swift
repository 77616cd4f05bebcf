import Glibc

/// A loss for classes of known sizes, in the terms of the kernel.
struct LossTerms {
  /// Added to the logits; minus infinity in the padding.
  let logitOffsets: FloatBuffer
  /// Taken from the logit of the right class.
  var margins: [Float]
  /// What a sample of a class counts; 1 in the mean over the training samples.
  var classWeights: [Float]
  /// What logits are multiplied by.
  var scale: Float = 1
  /// The power of 1 − p that the loss is multiplied by.
  var focus: Float = 0

  /// - Parameter classSizes: the numbers of training samples; a class without any counts as one of one.
  init(_ loss: LossFunction, classSizes: [Int]) {
    let classCount = classSizes.count
    let sizes = classSizes.map { Double(max($0, 1)) }
    let total = sizes.reduce(0, +)
    logitOffsets = FloatBuffer(count: classCount)
    logitOffsets.fill(with: -.infinity)
    margins = Array(repeating: 0, count: classCount)
    classWeights = Array(repeating: 1, count: classCount)
    var offsets = Array(repeating: Float(0), count: classCount)
    switch loss {
    case .crossEntropy: break
    case .classWeighted(let power):
      let raw = sizes.map { pow($0, -power) }
      let mean = zip(raw, sizes).reduce(0) { $0 + $1.0 * $1.1 } / total
      classWeights = raw.map { Float($0 / mean) }
    case .logitAdjusted(let temperature):
      offsets = sizes.map { Float(temperature * log($0 / total)) }
    case .balancedSoftmax:
      offsets = sizes.map { Float(log($0)) }
    case .focal(let focus):
      self.focus = Float(focus)
    case .ldam(let margin, let scale):
      let raw = sizes.map { 1 / $0.squareRoot().squareRoot() }
      let largest = raw.max() ?? 1
      margins = raw.map { Float($0 * margin / largest) }
      self.scale = Float(scale)
    }
    logitOffsets.copy(from: offsets, to: 0)
  }
}
