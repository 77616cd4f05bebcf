package import Checkpoints
package import JSONText
import TensorCore

/// An option that acts on some tensors, as it was given, and how many it found.
package struct OptionEffect: Sendable {
  /// The option as it was typed.
  package let option: String
  /// How many tensors it acted on.
  package let count: Int
  /// What those tensors are: the end of the sentence `no tensor is …`.
  package let subject: String
  /// What became of them, for the result line: `4 running statistics pooled`; nil when the line has it anyway.
  package let summary: String?

  /// An option and what it came to.
  package init(_ option: String, count: Int, subject: String, summary: String? = nil) {
    self.option = option
    self.count = count
    self.subject = subject
    self.summary = summary
  }
}

extension Tool {
  /// Reports the options that found nothing to act on.
  ///
  /// - Parameter isStrict: whether such an option is an error.
  /// - Throws: `OptionEffectError`.
  package func reportWithoutEffect(_ effects: [OptionEffect], isStrict: Bool) throws {
    for effect in effects where effect.count == 0 {
      let sentence = "\(effect.option) has no effect: no tensor is \(effect.subject)"
      if isStrict { throw OptionEffectError(description: sentence) }
      notice(sentence)
    }
  }
}

/// An option that found nothing, where that is not accepted.
struct OptionEffectError: DiagnosedError {
  var kind: FailureKind { .badInput }
  let description: String
  var hint: String? {
    "imwa-ckpt show lists the role of each tensor; without --strict this is a note"
  }
}

extension [OptionEffect] {
  /// What became of the tensors, for the result line.
  package var summaries: [String] { filter { $0.count > 0 }.compactMap(\.summary) }

  /// How many tensors each option acted on.
  package var json: JSONValue {
    .object(map { JSONValue.Member($0.option, .integer($0.count)) })
  }
}

extension AlignmentOptions {
  /// What the options that were given found to act on.
  ///
  /// - Parameter first: what the first input is called.
  package func effects(_ effects: PolicyEffects, first: String) -> [OptionEffect] {
    var found: [OptionEffect] = []
    func add(
      _ option: String, _ value: String?, _ setting: PolicyEffects.Setting, _ summary: String? = nil
    ) {
      guard let value else { return }
      let count = effects[setting]
      found.append(
        OptionEffect(
          "\(option) \(value)", count: count, subject: setting.subject,
          summary: summary.map { "\(count) \($0)" }))
    }
    add(
      "--batch-norm", batchNorm?.rawValue, .batchNorm,
      batchNorm.map { policy in
        switch policy {
        case .average: "running statistics averaged"
        case .first: "running statistics taken from \(first)"
        case .pooled: "running statistics pooled"
        }
      })
    add("--optimizer", optimizer?.rawValue, .optimizer)
    add("--integers", integers?.rawValue, .integers)
    add(
      "--missing", missing == .error ? nil : missing?.rawValue, .missing,
      missing == .intersect ? "tensors left out" : "tensors averaged over the inputs that have them"
    )
    add("--match", match == .name ? nil : match?.rawValue, .match, "tensors matched by position")
    add(
      "--out-dtype", outDtype?.dtype.rawValue, .outputDType,
      outDtype.map { "tensors written as \($0.dtype.rawValue)" })
    return found
  }
}
