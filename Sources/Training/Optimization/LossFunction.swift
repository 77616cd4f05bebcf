/// What is minimised: cross-entropy, and its variants for classes of different sizes.
public enum LossFunction: Sendable, Hashable {
  /// −log p_y.
  case crossEntropy
  /// Cross-entropy where a class of n samples counts n^−power (Cui et al. 2019 and earlier).
  case classWeighted(power: Double)
  /// Cross-entropy of logits + temperature · log prior (Menon et al. 2021).
  case logitAdjusted(temperature: Double)
  /// Cross-entropy of logits + log n (Ren et al. 2020).
  case balancedSoftmax
  /// (1 − p_y)^focus times the cross-entropy (Lin et al. 2017).
  case focal(focus: Double)
  /// Cross-entropy of scale · logits, with the right logit lowered by a margin that goes as n^−¼ and is at
  /// most `margin` (Cao et al. 2019).
  case ldam(margin: Double, scale: Double)

  /// Reads a name with parameters behind a colon: `class-weighted:0.5`.
  ///
  /// - Throws: `TrainingError` for another text.
  public init(described text: String) throws(TrainingError) {
    let description = try ParameterText(text, what: "loss")
    switch description.name {
    case "cross-entropy":
      try description.expectAtMost(0)
      self = .crossEntropy
    case "class-weighted":
      self = .classWeighted(power: try description.parameters([0.5], in: 0...4)[0])
    case "logit-adjusted":
      self = .logitAdjusted(temperature: try description.parameters([1], in: 0...100)[0])
    case "balanced-softmax":
      try description.expectAtMost(0)
      self = .balancedSoftmax
    case "focal":
      self = .focal(focus: try description.parameters([2], in: 0...10)[0])
    case "ldam":
      let values = try description.parameters([0.5, 1], in: 0...1000)
      self = .ldam(margin: values[0], scale: values[1])
    default:
      throw TrainingError.usage(
        "there is no loss '\(text)'",
        hint: "the losses are cross-entropy, class-weighted:p, logit-adjusted:t, balanced-softmax, "
          + "focal:g and ldam:margin,scale")
    }
  }
}

/// A name and the numbers behind its colon: `step:0.1,0.5`.
struct ParameterText {
  let text: String
  let what: String
  let name: String
  let numbers: [Double]

  init(_ text: String, what: String) throws(TrainingError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let values = parts.count < 2 ? [] : parts[1].split(separator: ",").map { Double($0) }
    guard !values.contains(nil), parts.count < 2 || !values.isEmpty else {
      throw TrainingError.usage("the \(what) '\(text)' has no numbers behind its colon")
    }
    self.text = text
    self.what = what
    name = String(parts[0])
    numbers = values.compactMap { $0 }
  }

  func expectAtMost(_ count: Int) throws(TrainingError) {
    guard numbers.count <= count else {
      throw TrainingError.usage(
        "the \(what) '\(name)' takes \(count == 0 ? "no" : "at most \(count)") numbers")
    }
  }

  /// The numbers that are given, and the defaults of those that are not.
  func parameters(_ defaults: [Double], in range: ClosedRange<Double>) throws(TrainingError)
    -> [Double]
  {
    try expectAtMost(defaults.count)
    for number in numbers where !range.contains(number) {
      throw TrainingError.usage(
        "the numbers of \(what) '\(text)' must be between \(range.lowerBound) and "
          + "\(range.upperBound)")
    }
    return numbers + defaults.dropFirst(numbers.count)
  }
}
