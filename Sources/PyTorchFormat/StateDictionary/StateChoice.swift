/// Which of the things in a checkpoint are the weights.
package struct StateChoice: Sendable, Hashable {
  /// The dotted path of the part that is meant; `.` for all of the file; nil to find it by the usual names.
  package var key: String?
  /// Whether averages that training kept are meant rather than the weights.
  package var prefersAverage: Bool
  /// Whether other copies of the model beside the chosen one, such as moving averages, are taken, too.
  package var takesCopies: Bool

  /// Chooses a part.
  package init(key: String? = nil, prefersAverage: Bool = false, takesCopies: Bool = false) {
    self.key = key
    self.prefersAverage = prefersAverage
    self.takesCopies = takesCopies
  }
}

/// Finds the weights in a checkpoint.
struct StateFinder {
  /// A part of the tree, and the parts around it.
  struct Found {
    var value: PickleValue
    /// The keys from the root to it.
    var path: [String] = []
    /// What is beside it on the way.
    var others: [Part] = []
    /// Whether it was found as an average.
    var isAverage = false
  }

  /// A part of the tree under its path.
  struct Part {
    let path: String
    let value: PickleValue
    let slot: StateDictionary.Slot

    /// The last component of the path.
    var key: Substring { path.split(separator: ".").last ?? path[...] }
  }

  let file: PyTorchFile
  private var tree: PickleTree { file.tree }

  init(_ file: PyTorchFile) { self.file = file }

  /// The usual names of weights in what training programs save, the likeliest first.
  private static let weightKeys = [
    "state_dict", "model_state_dict", "model", "module", "net", "network", "params",
  ]
  /// The usual names of averages over training.
  private static let averageKeys = [
    "state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "params_ema",
    "ema_model", "ema",
    "shadow",
  ]
  private static let maximumDepth = 4

  func find(_ choice: StateChoice) throws -> Found {
    if choice.key == "." { return Found(value: tree.root) }
    if let key = choice.key {
      guard let found = find(key[...], from: Found(value: tree.root)) else {
        throw PyTorchError(
          .missingKey, "it has nothing under the key '\(key)'", hint: keysHint(tree.root))
      }
      return found
    }
    var found = Found(value: tree.root)
    var isAverageFound = !choice.prefersAverage
    for _ in 0..<StateFinder.maximumDepth {
      let keys =
        isAverageFound
        ? StateFinder.weightKeys + StateFinder.averageKeys
        : StateFinder.averageKeys + StateFinder.weightKeys
      guard let (key, value) = try firstEntry(of: keys, in: found.value) else { break }
      if StateFinder.averageKeys.contains(key) { isAverageFound = true }
      found = step(found, to: value, key: key)
      found.isAverage = found.isAverage || StateFinder.averageKeys.contains(key)
    }
    if !isAverageFound, FlatAverage(keys: entries(of: found.value).map(\.key)) != nil {
      found.isAverage = true
      return found
    }
    guard isAverageFound else {
      throw PyTorchError(
        .missingKey,
        "it holds no average of weights (looked for "
          + StateFinder.averageKeys.map { "'\($0)'" }.joined(separator: ", ") + ")",
        hint: keysHint(tree.root) ?? "leave --use-ema out")
    }
    return found
  }

  /// Whether a key is one that training programs give to another copy of the model: an average over training.
  static func isCopy(_ key: some StringProtocol) -> Bool {
    let key = key.lowercased()
    if averageKeys.contains(key) || copyKeys.contains(key) { return true }
    let words = key.split { !$0.isLetter && !$0.isNumber }
    return words.contains { ["ema", "swa", "averaged"].contains($0) }
  }

  private static let copyKeys: Set<String> = [
    "shadow_params", "average_model_state", "current_model_state", "average_model",
  ]

  /// The entries of a dictionary or list, with keys as they stand in names of tensors.
  func entries(of value: PickleValue) -> [(key: String, value: PickleValue)] {
    parts(of: value, below: []).map { (String($0.path), $0.value) }
  }

  /// The entries of a dictionary or list.
  func parts(of value: PickleValue, below path: [String]) -> [Part] {
    guard case .object(let number) = value, let object = tree.object(value) else { return [] }
    func part(_ key: String, _ item: PickleValue, at place: Int) -> Part {
      Part(
        path: (path + [key]).joined(separator: "."), value: item,
        slot: StateDictionary.Slot(object: number, item: Int32(place)))
    }
    if let items = tree.keyedItems(of: value).map({ Array($0) }) {
      return stride(from: 0, to: items.count - 1, by: 2).compactMap { index in
        tree.key(items[index]).map { part($0, items[index + 1], at: index + 1) }
      }
    }
    guard object.kind == .list || object.kind == .tuple else { return [] }
    return tree.items(of: object).enumerated().map { part(String($0), $1, at: $0) }
  }

  private func firstEntry(of keys: [String], in value: PickleValue) throws(PyTorchError) -> (
    String, PickleValue
  )? {
    let found = lastEntries(of: Set(keys), in: value)
    var whole: String?
    for key in keys {
      guard let value = found[key] else { continue }
      if hasTensors(value) { return (key, value) }
      if whole == nil, let name = tree.opaqueClass(value) { whole = name }
    }
    if let whole, !entries(of: value).contains(where: { (try? file.tensor($0.value)) != nil }) {
      throw .wholeObject(whole)
    }
    return nil
  }

  /// The entries of a dictionary that have one of some keys; of those with the same key, the last.
  private func lastEntries(of keys: Set<String>, in value: PickleValue) -> [String: PickleValue] {
    guard let items = tree.keyedItems(of: value) else { return [:] }
    // Dictionaries of weights have tens of thousands of keys, which are longer.
    let maximumLength = keys.map(\.utf8.count).max() ?? 0
    var found: [String: PickleValue] = [:]
    for position in stride(from: items.startIndex, to: items.endIndex - 1, by: 2) {
      guard case .text(let piece) = items[position], piece.count <= maximumLength,
        let key = tree.text(items[position]), keys.contains(key)
      else { continue }
      found[key] = items[position + 1]
    }
    return found
  }

  private func step(_ found: Found, to value: PickleValue, key: String) -> Found {
    var next = Found(
      value: value, path: found.path + [key], others: found.others, isAverage: found.isAverage)
    let chosen = (found.path + [key]).joined(separator: ".")
    next.others += parts(of: found.value, below: found.path).filter { $0.path != chosen }
    return next
  }

  private func find(_ path: Substring, from found: Found, depth: Int = 0) -> Found? {
    if path.isEmpty { return found }
    guard depth < 64 else { return nil }
    for entry in entries(of: found.value) {
      if path == entry.key { return step(found, to: entry.value, key: entry.key) }
      guard path.hasPrefix(entry.key + ".") else { continue }
      let rest = path.dropFirst(entry.key.count + 1)
      let next = step(found, to: entry.value, key: entry.key)
      if let result = find(rest, from: next, depth: depth + 1) { return result }
    }
    return nil
  }

  /// Whether a dictionary, list or module holds a tensor at any depth.
  private func hasTensors(_ value: PickleValue) -> Bool {
    guard let object = tree.object(value), object.kind != .tuple, tree.isContainer(value) else {
      return false
    }
    return tree.firstTensor(below: value) != nil
  }

  private func keysHint(_ value: PickleValue) -> String? {
    let keys = entries(of: value).map { "'\($0.key)'" }
    if keys.isEmpty { return nil }
    let more = keys.count > 12 ? ", …" : ""
    return "it has the keys " + keys.prefix(12).joined(separator: ", ") + more
  }
}

/// Averages and raw weights in one flat dictionary, told apart by what their names begin with, as `ema_pytorch`
/// keeps them: `online_model.fc.weight` and `ema_model.fc.weight`.
struct FlatAverage {
  /// What the names of averages begin with.
  let prefix: String

  private static let pairs = [
    (average: "ema_model.", raw: "online_model."), (average: "ema_model.", raw: "model."),
    (average: "model_ema.", raw: "model."), (average: "ema.", raw: "model."),
    (average: "ema.", raw: "module."),
  ]

  /// Looks for names of both; nil when there are none.
  init?(keys: [String]) {
    let pair = FlatAverage.pairs.first { pair in
      keys.contains { $0.hasPrefix(pair.average) }
        && keys.contains { $0.hasPrefix(pair.raw) || $0 == "initted" }
    }
    guard let pair else { return nil }
    prefix = pair.average
  }
}
