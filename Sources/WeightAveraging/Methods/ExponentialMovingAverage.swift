public import TensorCore

/// The exponential moving average over checkpoints: ω ← λω + (1−λ)θ for each new θ in order.
///
/// One float64 recurrence, rounded once at the end (IMWA, Huang et al. 2024, equation 6). With warm-up, λₜ =
/// min(λ, (1+t)/(10+t)), t being the number of earlier updates.
public struct ExponentialMovingAverage: MergeMethod {
  /// `ema`.
  public static let name = "ema"

  /// The decay of each update, in order.
  public let decays: [Double]

  /// Makes `updateCount` updates.
  ///
  /// - Parameters:
  ///   - decay: λ, from 0 to 1.
  ///   - earlierUpdates: with warm-up, the number of updates that were made before; nil without warm-up.
  /// - Throws: `MergeError` when the decay is out of range or there are no updates.
  public init(decay: Double, updateCount: Int, earlierUpdates: Int? = nil) throws(MergeError) {
    guard decay >= 0 && decay <= 1 else {
      throw MergeError(
        .decayOutOfRange, "a decay of \(decay) is not between 0 and 1",
        hint: "usual decays are between 0.9 and 0.9999: the part of the old average that is kept")
    }
    guard updateCount > 0 else { throw MergeError(.noInputs, "there is no checkpoint to add") }
    decays = (0..<updateCount).map { update in
      guard let earlierUpdates else { return decay }
      let step = Double(earlierUpdates) + Double(update)
      return min(decay, (1 + step) / (10 + step))
    }
  }

  /// The decay before a new checkpoint is added.
  public func parameter(ofInput number: Int) -> (name: String, value: Double)? {
    number == 0 ? nil : ("decay", decays[number - 1])
  }

  /// The recurrence over the state and the new checkpoints that have the tensor.
  ///
  /// A tensor that the state lacks starts with the first checkpoint that has it.
  public func recurrence(inputs: [Int]) throws(MergeError) -> LinearRecurrence {
    .movingAverage(decays: inputs.dropFirst().map { decays[$0 - 1] })
  }

  /// The smallest change of a value, relative to the value, that moves a state kept in a dtype.
  ///
  /// All updates of this method together move the state by (1 − Πλ) of the difference; what is less than half a unit in
  /// the last place is rounded away.
  public func smallestRelativeChange(in dtype: DType) -> Double {
    dtype.unitRoundoff / (1 - decays.reduce(1, *))
  }

  /// Checks that a state of this dtype moves.
  ///
  /// - Throws: `MergeError` when changes of an eighth of a value are lost.
  public func checkState(of dtype: DType) throws(MergeError) {
    let smallest = smallestRelativeChange(in: dtype)
    guard smallest.isFinite, smallest > ExponentialMovingAverage.largestLostChange else { return }
    throw MergeError(
      .stalls,
      "a state of \(dtype.rawValue) would not move: with this decay, changes of less than "
        + "\(Int((100 * smallest).rounded(.up))) % of a value are lost in rounding at every call",
      hint: "keep the state in F32; --export-dtype \(dtype.rawValue) writes what inference wants")
  }

  private static let largestLostChange = 0.125
}
