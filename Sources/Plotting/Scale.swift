/// A range of numbers with round steps, and where they stand in a picture.
package struct Scale {
  /// The numbers that are written.
  package let ticks: [Double]
  /// The ends.
  package let low, high: Double

  /// Covers the finite ones of some values in about `count` steps.
  ///
  /// - Parameter includesZero: whether the range begins at zero when all values are above it.
  package init(_ values: [Double], count: Int = 6, includesZero: Bool) {
    let finite = values.filter(\.isFinite)
    var low = finite.min() ?? 0
    var high = finite.max() ?? 1
    if includesZero { (low, high) = (min(low, 0), max(high, 0)) }
    if high <= low {
      let margin = low == 0 ? 1 : low.magnitude / 10
      (low, high) = (includesZero ? low : low - margin, high + margin)
    }
    let step = Scale.roundStep(above: (high - low) / Double(count))
    let first = (low / step).rounded(.down)
    let last = (high / step).rounded(.up)
    self.low = first * step
    self.high = last * step
    ticks = (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  /// Where a value stands between the ends, from 0 to 1.
  package func part(_ value: Double) -> Double { (value - low) / (high - low) }

  /// Steps between ticks; their distance.
  package var step: Double { ticks.count > 1 ? ticks[1] - ticks[0] : 1 }

  /// The text of a tick: a sum of steps has digits that mean nothing.
  package func text(_ tick: Double) -> String {
    tick.magnitude < step / 1e6 ? "0" : NumberText.text(tick, significantDigits: 6)
  }

  /// The next of 1, 2, 2.5 and 5 times a power of ten.
  private static func roundStep(above raw: Double) -> Double {
    guard raw > 0, raw.isFinite else { return 1 }
    var power = 1.0
    while power > raw { power /= 10 }
    while power * 10 <= raw { power *= 10 }
    return ([1, 2, 2.5, 5].first { $0 * power >= raw * 0.999999 } ?? 10) * power
  }
}
