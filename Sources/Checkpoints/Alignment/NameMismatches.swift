/// Tensors that inputs do not have in common, and what their names may have to do with each other.
struct NameMismatches {
  /// For each input that differs, what it lacks of the first and what it has besides.
  private var names: [Int: (missing: [String], extra: [String])] = [:]
  private let tensorCounts: [Int]

  /// What wrappers put into the names of all tensors below them.
  private static let wrappers = [
    "_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "module.",
  ]

  init(_ mismatches: [Mismatch], _ tensorCounts: [Int]) {
    self.tensorCounts = tensorCounts
    for mismatch in mismatches {
      switch mismatch {
      case .missing(let tensor, let input): names[input, default: ([], [])].missing.append(tensor)
      case .extra(let tensor, let input): names[input, default: ([], [])].extra.append(tensor)
      case .shape, .dtype: continue
      }
    }
  }

  var isEmpty: Bool { names.isEmpty }

  /// Whether an input has less than half of its tensors in common with the first.
  var areMostlyForeign: Bool {
    names.contains { input, names in
      let counts = [0, input].map { tensorCounts.indices.contains($0) ? tensorCounts[$0] : 0 }
      return names.missing.count * 2 > counts[0] || names.extra.count * 2 > counts[1]
    }
  }

  /// How names become those of the first input, where a prefix or a wrapper makes all of the difference.
  func renamingHint(_ labels: [String]) -> String? {
    for (input, names) in names.sorted(by: { $0.key < $1.key }) {
      guard names.missing.count == names.extra.count else { continue }
      if let text = NameMismatches.inserted(into: names.missing, giving: names.extra) {
        return NameMismatches.command(labels[input], "s/\(text)//")
      }
      if let text = NameMismatches.inserted(into: names.extra, giving: names.missing) {
        return NameMismatches.command(labels[0], "s/\(text)//")
      }
    }
    return nil
  }

  private static func command(_ label: String, _ substitution: String) -> String {
    "imwa-ckpt convert '\(label)' -o NEW --rename '\(substitution)' gives it the names of the other"
  }

  /// The pattern of a text that stands in all names of one set and in none of the other, and is all that they differ in.
  private static func inserted(into short: [String], giving long: [String]) -> String? {
    let target = Set(short)
    let wrapper = wrappers.first { wrapper in
      long.allSatisfy { $0.contains(wrapper) }
        && Set(long.map { String($0.replacing(wrapper, with: "", maxReplacements: 1)) }) == target
    }
    if let wrapper { return escaped(wrapper) }
    guard let first = long.first,
      let match = short.filter({ first.hasSuffix($0) }).max(by: { $0.count < $1.count })
    else { return nil }
    let prefix = first.dropLast(match.count)
    let isPrefix =
      !prefix.isEmpty && long.allSatisfy { $0.hasPrefix(prefix) }
      && Set(long.map { String($0.dropFirst(prefix.count)) }) == target
    return isPrefix ? "^" + escaped(String(prefix)) : nil
  }

  /// The text as a pattern of sed.
  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if "\\.[]*^$+?(){}|/".contains(character) { result.append("\\") }
      result.append(character)
    }
  }
}
