import Glibc

/// A range of numbers with round steps, and where they stand in a picture.
package struct Scale {
  /// Which numbers a range covers besides the values, and how it is cut into steps.
  package enum Kind: Sendable, Hashable {
    /// Equal steps around the values.
    case linear
    /// Equal steps from zero, when no value is below it.
    case fromZero
    /// Equal ratios, where all values are above zero and lie far apart; steps from zero otherwise.
    case automatic
  }

  /// The numbers that are written.
  package let ticks: [Double]
  /// The ends.
  package let low, high: Double
  /// Whether equal distances are equal ratios.
  package let isLogarithmic: Bool

  /// The ratio of the values from which equal steps would show the smaller ones as a flat line.
  private static let farApart = 50.0

  /// Covers the finite ones of some values in about `count` steps.
  package init(_ values: [Double], count: Int = 6, _ kind: Kind) {
    let finite = values.filter(\.isFinite)
    var low = finite.min() ?? 0
    var high = finite.max() ?? 1
    if kind == .automatic, low > 0, high / low > Scale.farApart {
      (ticks, self.low, self.high) = Scale.powers(from: low, to: high, count: count)
      isLogarithmic = true
      return
    }
    let includesZero = kind != .linear
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
    isLogarithmic = false
  }

  /// Covers a range of numbers above zero in powers of ten: the ticks and the ends.
  private static func powers(from low: Double, to high: Double, count: Int) -> (
    ticks: [Double], low: Double, high: Double
  ) {
    let powers = Scale.power(below: low)...Scale.power(below: high)
    let all =
      powers.flatMap { power -> [Double] in
        let ten = Scale.ten(to: power)
        return [ten, 2 * ten, 5 * ten]
      } + [Scale.ten(to: powers.upperBound + 1)]
    let first = all.lastIndex { $0 <= low * 1.000001 } ?? 0
    let last = all.firstIndex { $0 >= high * 0.999999 } ?? all.count - 1
    let inside = Array(all[first...last])
    if inside.count <= count + 2 { return (inside, all[first], all[last]) }
    let tens = powers.map(Scale.ten).filter { $0 >= all[first] && $0 <= all[last] }
    let step = max(1, (tens.count + count) / (count + 1))
    let ticks = stride(from: 0, to: tens.count, by: step).map { tens[$0] }
    return (ticks, all[first], all[last])
  }

  /// Where a value stands between the ends, from 0 to 1.
  package func part(_ value: Double) -> Double {
    guard isLogarithmic else { return (value - low) / (high - low) }
    return Scale.logarithm(value / low) / Scale.logarithm(high / low)
  }

  /// The text of a tick: a sum of steps has digits that mean nothing.
  package func text(_ tick: Double) -> String {
    let step = ticks.count > 1 ? ticks[1] - ticks[0] : 1
    return tick.magnitude < step.magnitude / 1e6 && !isLogarithmic
      ? "0" : NumberText.text(tick, significantDigits: 6)
  }

  /// The next of 1, 2, 2.5 and 5 times a power of ten.
  private static func roundStep(above raw: Double) -> Double {
    guard raw > 0, raw.isFinite else { return 1 }
    var power = 1.0
    while power > raw { power /= 10 }
    while power * 10 <= raw { power *= 10 }
    return ([1, 2, 2.5, 5].first { $0 * power >= raw * 0.999999 } ?? 10) * power
  }

  private static func power(below value: Double) -> Int {
    var power = 0
    while ten(to: power) > value { power -= 1 }
    while ten(to: power + 1) <= value { power += 1 }
    return power
  }

  private static func ten(to power: Int) -> Double {
    // A quotient is the nearest number to 0.001, a product of tenths is not.
    let magnitude = (0..<abs(power)).reduce(1.0) { product, _ in product * 10 }
    return power < 0 ? 1 / magnitude : magnitude
  }

  private static func logarithm(_ value: Double) -> Double { log(value) }
}
