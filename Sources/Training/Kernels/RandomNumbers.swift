import CTrainingKernels

/// SplitMix64: random numbers whose state is one number, the same on every machine.
struct RandomNumbers: RandomNumberGenerator {
  private(set) var state: UInt64

  /// Starts the numbers of `seed` that are meant for `purpose`.
  init(seed: UInt64, purpose: Purpose) {
    // Neighbouring seeds and purposes must not give shifted copies of the same numbers.
    var mixed = seed &+ (purpose.rawValue &* 0xD1B5_4A32_D192_ED03)
    state = unsafe imwa_random(&mixed)
  }

  /// What numbers are used for: each use has its own.
  enum Purpose: UInt64 {
    case initialWeights = 1
    case sampleOrder
    case noiseOffsets
    case noiseTable
    case dataSplit
    case mixtureModes
    case mixtureTraining
    case mixtureTest
  }

  /// The next number.
  mutating func next() -> UInt64 { unsafe imwa_random(&state) }

  /// A number from 0 to `bound` - 1, of exactly one draw.
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Goes on as if `count` numbers had been drawn.
  mutating func skip(_ count: UInt64) { state &+= count &* 0x9E37_79B9_7F4A_7C15 }

  /// Puts the elements in random order, with one draw less than there are elements.
  mutating func shuffle(_ elements: inout [Int32]) {
    for last in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(last, below(last + 1))
    }
  }

  /// Fills `range` with normally distributed numbers.
  mutating func fillNormal(_ buffer: FloatBuffer, _ range: Range<Int>) {
    unsafe imwa_fill_normal(&state, buffer.pointer(to: range), range.count)
  }

  /// A mixture of normal distributions: mean + loadings · factors + noise, times a scale.
  struct Mixture {
    /// The means, mode by mode, and the loadings, feature by feature in each mode.
    let means: FloatBuffer
    let meansRange: Range<Int>
    let loadings: FloatBuffer
    let loadingsRange: Range<Int>
    let modeCount: Int
    let featureCount: Int
    let factorCount: Int
    let scale: Float
  }

  /// Fills the rows of `range`, which are `stride` values apart, with samples of a mixture.
  mutating func fill(
    _ buffer: FloatBuffer, _ range: Range<Int>, stride: Int, from mixture: Mixture
  ) {
    precondition(range.count % stride == 0 && stride >= mixture.featureCount)
    precondition(mixture.meansRange.count == mixture.modeCount * mixture.featureCount)
    precondition(mixture.loadingsRange.count == mixture.meansRange.count * mixture.factorCount)
    precondition(mixture.factorCount <= Int(IMWA_LARGEST_FACTOR_COUNT))
    var parts = unsafe imwa_mixture(
      means: mixture.means.pointer(to: mixture.meansRange),
      loadings: mixture.loadings.pointer(to: mixture.loadingsRange),
      mode_count: mixture.modeCount, feature_count: mixture.featureCount,
      factor_count: mixture.factorCount, scale: mixture.scale)
    unsafe imwa_sample_mixture(
      &state, &parts, buffer.pointer(to: range), range.count / stride, stride)
  }
}
