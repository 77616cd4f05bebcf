/// Which of the things in a checkpoint are the weights.
package struct StateChoice: Sendable, Hashable {
  /// The dotted path of the part that is meant; `.` for all of the file; nil to find it by the usual names.
  package var key: String?
  /// Whether averages that training kept are meant rather than the weights.
  package var prefersAverage: Bool

  /// Chooses a part.
  package init(key: String? = nil, prefersAverage: Bool = false) {
    self.key = key
    self.prefersAverage = prefersAverage
  }
}

/// Finds the weights in a checkpoint.
struct StateFinder {
  /// A part of the tree, and the parts around it.
  struct Found {
    var value: PickleValue
    /// The keys from the root to it.
    var path: [String] = []
    /// What is beside it on the way: a path, and the value there.
    var others: [(path: String, value: PickleValue)] = []
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

  /// The entries of a dictionary or list, with keys as they stand in names of tensors.
  func entries(of value: PickleValue) -> [(key: String, value: PickleValue)] {
    guard let object = tree.object(value) else { return [] }
    let items = Array(tree.items(of: object))
    if object.isDictionary {
      return stride(from: 0, to: items.count - 1, by: 2).compactMap { index in
        tree.key(items[index]).map { ($0, items[index + 1]) }
      }
    }
    guard object.kind == .list || object.kind == .tuple else { return [] }
    return items.enumerated().map { (String($0), $1) }
  }

  private func firstEntry(of keys: [String], in value: PickleValue) throws(PyTorchError) -> (
    String, PickleValue
  )? {
    let found = lastEntries(of: Set(keys), in: value)
    var whole: String?
    for key in keys {
      guard let value = found[key] else { continue }
      if try hasTensors(value) { return (key, value) }
      if whole == nil, let name = tree.opaqueClass(value) { whole = name }
    }
    if let whole, !entries(of: value).contains(where: { (try? file.tensor($0.value)) != nil }) {
      throw .wholeObject(whole)
    }
    return nil
  }

  /// The entries of a dictionary that have one of some keys; of those with the same key, the last.
  private func lastEntries(of keys: Set<String>, in value: PickleValue) -> [String: PickleValue] {
    guard let object = tree.object(value), object.isDictionary else { return [:] }
    // Dictionaries of weights have tens of thousands of keys, which are longer.
    let maximumLength = keys.map(\.utf8.count).max() ?? 0
    let items = tree.items(of: object)
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
    var next = Found(value: value, path: found.path + [key], others: found.others)
    for entry in entries(of: found.value) where entry.key != key {
      next.others.append(((found.path + [entry.key]).joined(separator: "."), entry.value))
    }
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

  /// Whether a dictionary or list holds a tensor at any depth.
  private func hasTensors(_ value: PickleValue) throws(PyTorchError) -> Bool {
    guard let object = tree.object(value), object.isDictionary || object.kind == .list else {
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

extension PickleTree {
  /// A key of a dictionary as a component of a name; nil for what has no short text.
  func key(_ value: PickleValue) -> String? {
    switch value {
    case .text: text(value)
    case .integer(let number): String(number)
    case .boolean(let value): value ? "True" : "False"
    case .float(let number): number.description
    default: nil
    }
  }

  /// The class of an object that is not understood; nil for others.
  func opaqueClass(_ value: PickleValue) -> String? {
    guard let object = object(value), object.isOpaque else { return nil }
    switch object.kind {
    case .call:
      let parts = items(of: object)
      let callable = parts[parts.startIndex]
      if let name = global(callable)?.name {
        // How Python makes objects of most classes tells the class first.
        guard ["copyreg._reconstructor", "copyreg.__newobj__"].contains(name),
          let type = tuple(parts[parts.startIndex + 1])?.first, let typeName = global(type)?.name
        else { return name }
        return typeName
      }
      return opaqueClass(callable) ?? "unknown"
    case .global: return global(value)?.name
    case .frozenSet: return "frozenset"
    default: return nil
    }
  }

  /// Whether a call makes a tensor, by its name alone.
  func makesTensor(_ value: PickleValue) -> Bool {
    call(value)?.callable.makesTensor ?? false
  }

  /// A tensor in a part of the tree; each object is looked at once.
  func firstTensor(below value: PickleValue) -> PickleValue? {
    var pending = [value]
    var seen: Set<Int32> = []
    while let value = pending.popLast() {
      if makesTensor(value) { return value }
      guard case .object(let number) = value, seen.insert(number).inserted else { continue }
      let object = objects[Int(number)]
      guard object.isCollection else { continue }
      pending.append(contentsOf: items(of: object).reversed())
    }
    return nil
  }

  /// How many tensors are in a part of the tree, and how many values that are understood and no tensors.
  func counts(below value: PickleValue) -> (tensors: Int, others: Int) {
    var counts = (tensors: 0, others: 0)
    var pending = [value]
    var seen: Set<Int32> = []
    while let value = pending.popLast() {
      if makesTensor(value) {
        counts.tensors += 1
        continue
      }
      guard case .object(let number) = value, objects[Int(number)].isCollection else {
        if opaqueClass(value) == nil { counts.others += 1 }
        continue
      }
      guard seen.insert(number).inserted else { continue }
      let object = objects[Int(number)]
      let items = items(of: object)
      let step = object.isDictionary ? 2 : 1
      for position in stride(from: items.startIndex + step - 1, to: items.endIndex, by: step) {
        pending.append(items[position])
      }
    }
    return counts
  }
}
