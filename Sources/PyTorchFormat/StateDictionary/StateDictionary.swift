import TensorCore

/// The tensors of a checkpoint that are its weights, and what else it holds.
package struct StateDictionary: Sendable {
  /// A tensor under a name.
  package struct Entry: Sendable {
    /// The name: the path from the chosen part, or for the state of an optimizer from the root.
    package let name: String
    /// How it looks at its storage.
    package let view: TensorView
    /// Where it stands: the collection, and the place of the value in it. The root has neither.
    let slot: Slot

    init(name: String, view: TensorView, slot: Slot) {
      self.name = name
      self.view = view
      self.slot = slot
    }

    /// A tensor that is not in the dictionary.
    package init(name: String, view: TensorView) {
      self.init(name: name, view: view, slot: .root)
    }
  }

  /// A place of a value in the tree.
  struct Slot: Sendable, Hashable {
    let object: Int32
    let item: Int32

    static let root = Slot(object: -1, item: 0)
  }

  /// The tensors in the order of the pickle.
  package private(set) var entries: [Entry] = []
  /// How many of the entries are in the chosen part; the state of an optimizer beside it follows.
  package private(set) var chosenCount = 0
  /// What is not among the tensors, by path: `'epoch'`, `'ema' (16 tensors)`.
  package var others: [String] { othersInside + othersBeside }
  /// What is in the chosen part and no tensor.
  package private(set) var othersInside: [String] = []
  /// What is not in the chosen part, the state of an optimizer among it.
  package private(set) var outside: [String] = []
  /// Objects of classes that are not understood: `'args' (argparse.Namespace)`.
  package private(set) var unknown: [String] = []
  /// What was taken away from the front of the names: `module.`.
  package private(set) var prefix = ""

  /// The collection that the weights are in.
  let container: PickleValue
  private let file: PyTorchFile
  private var othersBeside: [String] = []
  private var open: Set<Int32> = []
  private var visitCount = 0

  /// Prefixes that wrappers of models give to all names.
  private static let wrapperPrefixes = ["module.", "_orig_mod."]
  /// What wrappers count beside the model.
  private static let counters: Set<String> = ["n_averaged"]
  static let optimizerKeys: Set<String> = [
    "optimizer", "optimizer_state", "optimizer_state_dict", "optimizer_states", "optimizers",
    "optim",
  ]
  private static let maximumDepth = 100
  /// The same object can be in many places; more places than this are an attack.
  private static let maximumVisitCount = 4 << 20

  /// Finds the weights.
  ///
  /// - Throws: `PyTorchError` when there are none, or a tensor makes no sense.
  package init(of file: PyTorchFile, choice: StateChoice) throws {
    self.file = file
    let finder = StateFinder(file)
    let found = try finder.find(choice)
    container = found.value
    try add(found.value, name: "", slot: .root, depth: 0)
    if choice.key != "." { stripPrefixes() }
    if entries.isEmpty { try refuseWithoutTensors(found) }
    chosenCount = entries.count
    othersInside += described(in: found.value, found.path.joined(separator: "."))
    for (path, value) in found.others {
      let text = described(value, path)
      if StateDictionary.optimizerKeys.contains(path), file.tree.firstTensor(below: value) != nil {
        try add(value, name: path, slot: nil, depth: 1)
        othersBeside += described(in: value, path)
      } else {
        othersBeside += text
      }
      outside += text
    }
    try collectUnknown()
  }

  // MARK: - Tensors

  private mutating func add(_ value: PickleValue, name: String, slot: Slot?, depth: Int) throws {
    visitCount += 1
    guard visitCount <= StateDictionary.maximumVisitCount else {
      throw PyTorchError(.tooLarge, "its objects refer to each other too often")
    }
    guard let object = file.tree.object(value), case .object(let number) = value else { return }
    guard object.isCollection else {
      guard object.kind == .call, let slot else { return }
      return try addTensor(value, name, slot)
    }
    guard depth < StateDictionary.maximumDepth else {
      throw PyTorchError(.tooLarge, "its collections are in each other more than \(depth) deep")
    }
    guard open.insert(number).inserted else {
      throw PyTorchError.unsupported("the collection '\(name)' holds itself")
    }
    defer { open.remove(number) }
    let items = file.tree.items(of: object)
    let start = items.startIndex
    let step = object.isDictionary ? 2 : 1
    for position in stride(from: 0, to: items.count, by: step) {
      let valuePosition = position + step - 1
      guard valuePosition < items.count, case .object = items[start + valuePosition] else {
        continue
      }
      let key = object.isDictionary ? file.tree.key(items[start + position]) : String(position)
      guard let key else {
        guard file.tree.firstTensor(below: items[start + valuePosition]) != nil else { continue }
        throw PyTorchError.unsupported(
          "a tensor" + (name.isEmpty ? "" : " in '\(name)'") + " has a key that is no text")
      }
      try add(
        items[start + valuePosition], name: name.isEmpty ? key : name + "." + key,
        slot: Slot(object: number, item: Int32(valuePosition)), depth: depth + 1)
    }
  }

  private mutating func addTensor(_ value: PickleValue, _ name: String, _ slot: Slot) throws {
    let name = slot == .root ? "tensor" : name
    do {
      switch try file.tensor(value) {
      case nil: return
      case .view(let view): entries.append(Entry(name: name, view: view, slot: slot))
      case .other(let kind):
        throw PyTorchError.unsupported(
          "it is \(kind), and such tensors are not read",
          hint: "--key chooses another part of the file")
      }
    } catch let error as PyTorchError {
      throw PyTorchError(error.code, "tensor '\(name)': \(error.description)", hint: error.hint)
    }
  }

  /// Takes away what wrappers put before all names; their counters are no weights.
  private mutating func stripPrefixes() {
    while let prefix = StateDictionary.wrapperPrefixes.first(where: { prefix in
      let names = entries.lazy.map(\.name).filter { !StateDictionary.counters.contains($0) }
      return !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) && $0 != prefix }
    }) {
      for entry in entries where StateDictionary.counters.contains(entry.name) {
        othersInside.append("'\(entry.name)'")
      }
      self.prefix += prefix
      entries = entries.filter { !StateDictionary.counters.contains($0.name) }.map { entry in
        Entry(
          name: String(entry.name.dropFirst(prefix.count)), view: entry.view, slot: entry.slot)
      }
    }
  }

  private func refuseWithoutTensors(_ found: StateFinder.Found) throws {
    if let name = file.tree.opaqueClass(found.value) { throw PyTorchError.wholeObject(name) }
    let isCollection = file.tree.object(found.value).map { $0.isDictionary || $0.kind == .list }
    if isCollection == true {
      let items = file.tree.object(found.value).map { file.tree.items(of: $0) } ?? []
      if let name = items.lazy.compactMap({ file.tree.opaqueClass($0) }).first {
        throw PyTorchError.wholeObject(name)
      }
      // An empty checkpoint is one all the same.
      if found.path.isEmpty && items.isEmpty { return }
    }
    throw PyTorchError.unsupported(
      found.path.isEmpty
        ? "it holds no tensors"
        : "there are no tensors under '\(found.path.joined(separator: "."))'")
  }

  // MARK: - Others

  /// A part of the tree with what is in it; none for what is not understood, which is told elsewhere.
  private func described(_ value: PickleValue, _ path: String) -> [String] {
    if let object = file.tree.object(value), object.isOpaque, object.kind == .call { return [] }
    let count = file.tree.counts(below: value).tensors
    let tensors = count == 0 ? "" : count == 1 ? " (1 tensor)" : " (\(count) tensors)"
    return ["'\(path)'\(tensors)"]
  }

  /// What a collection holds besides tensors.
  private func described(in collection: PickleValue, _ path: String) -> [String] {
    guard let object = file.tree.object(collection), object.isCollection else { return [] }
    let items = Array(file.tree.items(of: object))
    let step = object.isDictionary ? 2 : 1
    var texts: [String] = []
    for position in stride(from: 0, to: items.count - step + 1, by: step) {
      let value = items[position + step - 1]
      // Most entries are tensors, whose keys need not be made.
      guard !file.tree.makesTensor(value),
        let key = step == 2 ? file.tree.key(items[position]) : String(position)
      else { continue }
      let path = path.isEmpty ? key : path + "." + key
      if file.tree.firstTensor(below: value) == nil {
        texts += described(value, path)
        continue
      }
      let count = file.tree.counts(below: value).others
      if count == 0 { continue }
      texts.append("'\(path)' (\(count) \(count == 1 ? "value" : "values") beside its tensors)")
    }
    return texts
  }

  /// Finds what is not understood, wherever it is.
  private mutating func collectUnknown() throws {
    if !file.tree.isOpaque(file.tree.root) { return }
    let slots = Set(entries.map(\.slot))
    var pending: [(value: PickleValue, path: String, depth: Int)] = [(file.tree.root, "", 0)]
    var seen: Set<Int32> = []
    while let (value, path, depth) = pending.popLast(), unknown.count < 100 {
      guard case .object(let number) = value, file.tree.isOpaque(value) else { continue }
      if let name = file.tree.opaqueClass(value) {
        unknown.append("'\(path)' (\(name))")
        continue
      }
      guard depth < StateDictionary.maximumDepth, seen.insert(number).inserted else { continue }
      let object = file.tree.objects[Int(number)]
      if let state = file.tree.states[number] {
        pending.append((state, path + ".__dict__", depth + 1))
      }
      let items = Array(file.tree.items(of: object))
      let step = object.isDictionary ? 2 : 1
      for position in stride(from: 0, to: items.count - step + 1, by: step).reversed() {
        let item = position + step - 1
        if slots.contains(Slot(object: number, item: Int32(item))) { continue }
        let key = step == 2 ? file.tree.key(items[position]) ?? "?" : String(position)
        pending.append((items[item], path.isEmpty ? key : path + "." + key, depth + 1))
      }
    }
  }
}
