import TensorCore

/// What wrappers of models put into all names.
extension StateDictionary {
  /// Prefixes that wrappers of models give to all names.
  private static let wrapperPrefixes = ["module.", "_orig_mod."]
  /// Components that wrappers put anywhere into names, and that no module has by itself.
  private static let wrapperComponents = [
    "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
  ]
  /// What wrappers count beside the model.
  private static let counters: Set<String> = ["n_averaged"]

  /// Keeps the averages where a flat dictionary holds them beside the raw weights.
  mutating func chooseFlatAverage() {
    guard let flat = FlatAverage(keys: entries.map(\.name)) else { return }
    let left = entries.filter { !$0.name.hasPrefix(flat.prefix) }
    outside += left.map { "'\($0.name)'" }
    // What stands beside both in the dictionary is no part of the averages.
    isFlatAverage = true
    entries = entries.filter { $0.name.hasPrefix(flat.prefix) }.map {
      $0.renamed(String($0.name.dropFirst(flat.prefix.count)))
    }
    unreadable = unreadable.filter { $0.tensor.name.hasPrefix(flat.prefix) }
      .map { $0.renamed(String($0.tensor.name.dropFirst(flat.prefix.count))) }
    prefix += flat.prefix
  }

  /// Takes away what wrappers put into names; their counters are no weights.
  mutating func stripWrappers() {
    while let prefix = StateDictionary.wrapperPrefixes.first(where: { prefix in
      let names = entries.lazy.map(\.name).filter { !StateDictionary.counters.contains($0) }
      return !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) && $0 != prefix }
        && unreadable.allSatisfy { $0.tensor.name.hasPrefix(prefix) }
    }) {
      for entry in entries where StateDictionary.counters.contains(entry.name) {
        othersInside.append("'\(entry.name)'")
      }
      self.prefix += prefix
      entries = entries.filter { !StateDictionary.counters.contains($0.name) }.map {
        $0.renamed(String($0.name.dropFirst(prefix.count)))
      }
      unreadable = unreadable.map { $0.renamed(String($0.tensor.name.dropFirst(prefix.count))) }
    }
    stripComponents()
  }

  private mutating func stripComponents() {
    let names = entries.map { StateDictionary.stripped($0.name) }
    let found = names.compactMap { $0?.component }
    guard let first = found.first else { return }
    let stripped = zip(entries, names).map { $1?.name ?? $0.name }
    guard Set(stripped.map { ExactString($0) }).count == entries.count else { return }
    entries = zip(entries, stripped).map { $0.renamed($1) }
    unreadable = unreadable.map { tensor in
      StateDictionary.stripped(tensor.tensor.name).map { tensor.renamed($0.name) } ?? tensor
    }
    let others = Set(found).subtracting([first]).sorted().map { "'\($0).'" }
    notices.append(
      "\((["'\(first).'"] + others).joined(separator: " and ")) is taken away from "
        + (found.count == 1 ? "a name" : "\(found.count) names"))
  }

  /// A name without the components of wrappers, and the first of these; nil when it has none.
  private static func stripped(_ name: String) -> (name: String, component: String)? {
    let text = name.utf8
    var start = text.startIndex
    var mayHave = false
    while start < text.endIndex {
      // All of them begin with an underscore, as few components do.
      if text[start] == UInt8(ascii: "_") { mayHave = true }
      guard let dot = text[start...].firstIndex(of: UInt8(ascii: ".")) else { break }
      start = text.index(after: dot)
    }
    guard mayHave else { return nil }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1,
      let component = parts.dropLast().first(where: { wrapperComponents.contains(String($0)) })
    else { return nil }
    let kept = parts.dropLast().filter { !wrapperComponents.contains(String($0)) }
    return ((kept + parts.suffix(1)).joined(separator: "."), String(component))
  }
}

extension StateDictionary.Unreadable {
  fileprivate func renamed(_ name: String) -> StateDictionary.Unreadable {
    StateDictionary.Unreadable(
      tensor: UnreadableTensor(name: name, reason: tensor.reason, hint: tensor.hint), slot: slot)
  }
}
