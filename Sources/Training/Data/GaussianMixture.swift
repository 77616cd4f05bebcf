/// A made-up problem of known difficulty: 20 classes of three modes each in 32 dimensions.
///
/// Mode centres are normally distributed with deviation `separation`; around each, samples spread in four
/// directions of its own and in all. Features have variance 1.
struct GaussianMixture {
  static let classCount = 20
  static let featureCount = 32
  private static let modeCount = 3
  private static let factorCount = 4
  private static let loadingDeviation: Float = 0.5

  let separation: Double
  let seed: UInt64
  private let means: FloatBuffer
  private let loadings: FloatBuffer

  /// Draws the modes.
  init(separation: Double, seed: UInt64) {
    self.separation = separation
    self.seed = seed
    let modes = GaussianMixture.classCount * GaussianMixture.modeCount
    means = FloatBuffer(count: modes * GaussianMixture.featureCount)
    loadings = FloatBuffer(
      count: modes * GaussianMixture.featureCount * GaussianMixture.factorCount)
    var random = RandomNumbers(seed: seed, purpose: .mixtureModes)
    random.fillNormal(means, 0..<means.count)
    means.scale(0..<means.count, by: Float(separation))
    random.fillNormal(loadings, 0..<loadings.count)
    loadings.scale(0..<loadings.count, by: GaussianMixture.loadingDeviation)
  }

  /// Draws as many samples of each class.
  func samples(perClass count: Int, for purpose: RandomNumbers.Purpose) -> DataSet {
    var random = RandomNumbers(seed: seed, purpose: purpose)
    let stride = FloatBuffer.padded(GaussianMixture.featureCount)
    let buffer = FloatBuffer(count: GaussianMixture.classCount * count * stride)
    for label in 0..<GaussianMixture.classCount {
      random.fill(
        buffer, label * count * stride..<(label + 1) * count * stride, stride: stride,
        from: mixture(of: label))
    }
    let labels = (0..<GaussianMixture.classCount).flatMap { label in
      Array(repeating: Int32(label), count: count)
    }
    return DataSet(
      rows: TrainingLoops.Rows(buffer: buffer, count: labels.count, stride: stride), labels: labels,
      featureCount: GaussianMixture.featureCount, classCount: GaussianMixture.classCount)
  }

  /// The modes of a class.
  private func mixture(of label: Int) -> RandomNumbers.Mixture {
    let values = GaussianMixture.modeCount * GaussianMixture.featureCount
    let factors = values * GaussianMixture.factorCount
    let scale = 1 / (separation * separation + 2).squareRoot()
    return RandomNumbers.Mixture(
      means: means, meansRange: label * values..<(label + 1) * values, loadings: loadings,
      loadingsRange: label * factors..<(label + 1) * factors,
      modeCount: GaussianMixture.modeCount, featureCount: GaussianMixture.featureCount,
      factorCount: GaussianMixture.factorCount, scale: Float(scale))
  }
}
