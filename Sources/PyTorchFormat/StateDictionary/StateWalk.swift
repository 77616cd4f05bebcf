import TensorCore

/// Collects the tensors of a part of the tree under their names.
struct StateWalk {
  typealias Entry = StateDictionary.Entry
  typealias Slot = StateDictionary.Slot

  private(set) var entries: [Entry] = []
  var unreadable: [StateDictionary.Unreadable] = []
  private(set) var converted: [Int32: [(name: String, slot: Slot)]] = [:]

  private let file: PyTorchFile
  private var tree: PickleTree { file.tree }
  private var open: Set<Int32> = []
  private var visitCount = 0
  /// The outermost module that is being walked, and what its name is.
  private var module: (number: Int32, name: String)?

  private static let maximumDepth = 100

  init(_ file: PyTorchFile) { self.file = file }

  /// Adds the tensors in a value.
  ///
  /// - Throws: `PyTorchError` when a tensor makes no sense, or the value is not a tree.
  mutating func add(_ value: PickleValue, name: String, role: TensorRole?) throws {
    try add(value, name: name, slot: name.isEmpty ? .root : nil, key: "", depth: 0, role: role)
  }

  /// The same object can be in many places; more places than this are an attack.
  private var maximumVisitCount: Int { max(4 << 20, 2 * tree.objects.count) }

  private mutating func add(
    _ value: PickleValue, name: String, slot: Slot?, key: String, depth: Int, role: TensorRole?
  ) throws {
    visitCount += 1
    guard visitCount <= maximumVisitCount else {
      throw PyTorchError(.tooLarge, "its objects refer to each other too often")
    }
    guard case .object(let number) = value else { return }
    let object = tree.objects[Int(number)]
    if tree.makesTensor(value) {
      guard let slot else { return }
      return try addTensor(value, name, slot, key, role)
    }
    let module = object.kind == .call ? tree.module(value) : nil
    guard object.isCollection || module != nil || tree.keyedItems(of: value) != nil else { return }
    guard depth < StateWalk.maximumDepth else {
      throw PyTorchError(.tooLarge, "its collections are in each other more than \(depth) deep")
    }
    guard open.insert(number).inserted else {
      throw PyTorchError.unsupported("the collection '\(name)' holds itself")
    }
    defer { open.remove(number) }
    if let module {
      try addModule(module, number, name: name, depth: depth, role: role)
    } else {
      if !object.isCollection { converted[number] = [] }
      try addItems(of: value, object, number, name: name, depth: depth, role: role)
    }
  }

  private mutating func addItems(
    of value: PickleValue, _ object: PickleObject, _ number: Int32, name: String, depth: Int,
    role: TensorRole?
  ) throws {
    let role = role ?? (tree.isOptimizerState(value) ? .optimizerState : nil)
    let keyed = tree.keyedItems(of: value)
    let items = keyed ?? tree.items(of: object)
    let start = items.startIndex
    let step = keyed == nil ? 1 : 2
    for position in stride(from: 0, to: items.count, by: step) {
      let valuePosition = position + step - 1
      guard valuePosition < items.count, case .object = items[start + valuePosition] else {
        continue
      }
      let item = items[start + valuePosition]
      let key = keyed == nil ? String(position) : tree.key(items[start + position])
      guard let key else {
        guard tree.firstTensor(below: item) != nil else { continue }
        throw PyTorchError.unsupported(
          "a tensor" + (name.isEmpty ? "" : " in '\(name)'") + " has a key that is no text")
      }
      try add(
        item, name: name.isEmpty ? key : name + "." + key,
        slot: Slot(object: number, item: Int32(valuePosition)), key: key, depth: depth + 1,
        role: role ?? StateWalk.role(underKey: key, isTensor: tree.makesTensor(item), name: name))
    }
  }

  /// Adds parameters, buffers and modules under the names that `state_dict()` gives them.
  private mutating func addModule(
    _ module: PickledModule, _ number: Int32, name: String, depth: Int, role: TensorRole?
  ) throws {
    let isOutermost = self.module == nil
    if isOutermost {
      self.module = (number, name)
      converted[number] = []
    }
    defer { if isOutermost { self.module = nil } }
    for dictionary in [module.parameters, module.buffers, module.modules] {
      guard case .object(let holder) = dictionary, let items = tree.keyedItems(of: dictionary)
      else {
        continue
      }
      for position in stride(from: 0, to: items.count - 1, by: 2) {
        guard let key = tree.key(items[items.startIndex + position]),
          case .object = items[items.startIndex + position + 1]
        else { continue }
        if module.transientBuffers.contains(key) && holder == module.buffers.number { continue }
        try add(
          items[items.startIndex + position + 1], name: name.isEmpty ? key : name + "." + key,
          slot: Slot(object: holder, item: Int32(position + 1)), key: key, depth: depth + 1,
          role: role ?? module.role(ofBuffer: key))
      }
    }
  }

  private mutating func addTensor(
    _ value: PickleValue, _ name: String, _ slot: Slot, _ key: String, _ role: TensorRole?
  ) throws {
    let name = slot == .root ? "tensor" : name
    do {
      switch try file.tensor(value) {
      case nil: return
      case .view(let view):
        entries.append(Entry(name: name, view: view, role: role, slot: slot, key: key))
        return note(name, slot)
      case .other(let kind): addUnreadable(name, slot, because: "it is \(kind)")
      }
    } catch {
      guard error.code != .unsupported else {
        return addUnreadable(name, slot, because: error.description)
      }
      throw PyTorchError(error.code, "tensor '\(name)': \(error.description)", hint: error.hint)
    }
  }

  private mutating func addUnreadable(_ name: String, _ slot: Slot, because reason: String) {
    unreadable.append(
      StateDictionary.Unreadable(
        tensor: UnreadableTensor(name: name, reason: reason), slot: slot))
    note(name, slot)
  }

  /// Notes a tensor of the module that is written as a dictionary.
  private mutating func note(_ name: String, _ slot: Slot) {
    guard let module else { return }
    let inner = module.name.isEmpty ? name : String(name.dropFirst(module.name.count + 1))
    converted[module.number]?.append((inner, slot))
  }

  // MARK: - Roles

  private static let progressKeys: Set<String> = [
    "rng_state", "rng_states", "torch_rng_state", "cuda_rng_state", "cuda_rng_states",
    "cpu_rng_state", "random_rng_state", "random_state", "random_states", "numpy_rng_state",
    "scaler", "grad_scaler", "amp_scaler", "scaler_state_dict", "scheduler", "lr_scheduler",
    "lr_schedulers", "scheduler_state_dict", "lr_scheduler_state_dict", "dataloader", "sampler",
  ]

  /// What the key tells that a training program gives to a part of its checkpoint.
  private static func role(underKey key: String, isTensor: Bool, name: String) -> TensorRole? {
    // Tens of thousands of names of weights are longer, or deeper.
    guard name.isEmpty, key.utf8.count <= 32 else { return nil }
    if progressKeys.contains(key) { return .progress }
    return !isTensor && StateFinder.isCopy(key) ? .movingAverage : nil
  }
}

extension PickledModule {
  /// What a buffer is, where the class tells it.
  fileprivate func role(ofBuffer key: String) -> TensorRole? {
    guard isNormalization else { return nil }
    return switch key {
    case "running_mean": .statistic(.mean)
    case "running_var": .statistic(.variance)
    case "num_batches_tracked": .statistic(.batchCount)
    default: nil
    }
  }
}

extension PickleValue {
  /// The number of an object; nil for what is none.
  fileprivate var number: Int32? { if case .object(let number) = self { number } else { nil } }
}

extension PickleTree {
  /// Whether a value is the state of an optimizer, or a collection of such: what `Optimizer.state_dict()` gives.
  func isOptimizerState(_ value: PickleValue, depth: Int = 0) -> Bool {
    guard let object = object(value), depth < 3 else { return false }
    guard object.isDictionary else {
      guard object.kind == .list, object.count > 0 || !items(of: object).isEmpty else {
        return false
      }
      return items(of: object).prefix(64).allSatisfy { isOptimizerState($0, depth: depth + 1) }
    }
    let items = items(of: object)
    // Dictionaries of weights are larger.
    guard items.count <= 64 else { return false }
    let keys = stride(from: items.startIndex, to: items.endIndex - 1, by: 2)
    if keys.contains(where: { isText(items[$0], "param_groups") }) {
      return keys.contains { isText(items[$0], "state") }
    }
    return depth > 0 || items.isEmpty
      ? false : keys.allSatisfy { isOptimizerState(items[$0 + 1], depth: depth + 1) }
  }
}
