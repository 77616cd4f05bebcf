import Glibc

/// How the learning rate changes over the whole training, whatever episodes cut it into.
public struct LearningRateSchedule: Sendable, Hashable {
  /// How the factor falls after the warm-up.
  public enum Shape: Sendable, Hashable {
    /// It stays 1.
    case constant
    /// Half a cosine from 1 to `final`.
    case cosine(final: Double)
    /// A line from 1 to `final`.
    case linear(final: Double)
    /// It is multiplied by `factor` at each of these fractions of the iterations.
    case step(factor: Double, at: [Double])
  }

  /// How the factor falls.
  public var shape: Shape
  /// How many iterations the factor rises in, as a line that ends at 1.
  public var warmUpIterations: Int

  /// Puts a schedule together.
  public init(_ shape: Shape = .constant, warmUpIterations: Int = 0) {
    self.shape = shape
    self.warmUpIterations = warmUpIterations
  }

  /// Reads a name with parameters behind a colon: `cosine`, `cosine:0.1`, `step:0.1,0.5,0.75`.
  ///
  /// - Throws: `TrainingError` for another text.
  public init(described text: String, warmUpIterations: Int = 0) throws(TrainingError) {
    let description = try ParameterText(text, what: "schedule")
    let shape: Shape
    switch description.name {
    case "constant":
      try description.expectAtMost(0)
      shape = .constant
    case "cosine": shape = .cosine(final: try description.parameters([0], in: 0...1)[0])
    case "linear": shape = .linear(final: try description.parameters([0], in: 0...1)[0])
    case "step":
      let numbers = description.numbers.isEmpty ? [0.1, 0.5, 0.75] : description.numbers
      guard numbers.count > 1, numbers.allSatisfy({ (0...1).contains($0) }) else {
        throw TrainingError.usage(
          "the schedule '\(text)' needs a factor and the fractions of the training at which "
            + "it applies", hint: "write the places in their order: step:0.1,0.5,0.75")
      }
      shape = .step(factor: numbers[0], at: Array(numbers[1...]))
    default:
      throw TrainingError.usage(
        "there is no schedule '\(text)'",
        hint: "the schedules are constant, cosine:final, linear:final and step:factor,at,…")
    }
    self.init(shape, warmUpIterations: warmUpIterations)
  }

  /// What the learning rate is multiplied by at an iteration, counted from 0.
  ///
  /// Before iteration 0, in a shared start that does not count, it is held.
  public func factor(at iteration: Int, of total: Int) -> Double {
    let iteration = max(iteration, 0)
    if iteration < warmUpIterations {
      return Double(iteration + 1) / Double(warmUpIterations)
    }
    let length = max(total - warmUpIterations, 1)
    let progress = min(Double(iteration - warmUpIterations) / Double(length), 1)
    switch shape {
    case .constant: return 1
    case .cosine(let final): return final + (1 - final) * (1 + cos(.pi * progress)) / 2
    case .linear(let final): return 1 + (final - 1) * progress
    case .step(let factor, let fractions):
      // Of all iterations, as people count them.
      let passed = fractions.count { Double(iteration) >= $0 * Double(total) }
      return (0..<passed).reduce(1) { product, _ in product * factor }
    }
  }
}
