import TensorCore

/// What a checkpoint holds that is no tensor among its weights.
extension StateDictionary {
  /// A part of the tree with what is in it; none for what is not understood, which is told elsewhere.
  func described(_ value: PickleValue, _ path: String) -> [String] {
    if let object = file.tree.object(value), object.isOpaque, object.kind == .call { return [] }
    let count = file.tree.counts(below: value).tensors
    let tensors = count == 0 ? "" : count == 1 ? " (1 tensor)" : " (\(count) tensors)"
    return ["'\(path)'\(tensors)"]
  }

  /// What a collection holds besides tensors.
  func described(in collection: PickleValue, _ path: String) -> [String] {
    guard let object = file.tree.object(collection) else { return [] }
    let keyed = file.tree.keyedItems(of: collection)
    guard object.isCollection || keyed != nil else { return [] }
    let items = Array(keyed ?? file.tree.items(of: object))
    let step = keyed == nil ? 1 : 2
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
  mutating func collectUnknown() throws {
    if !file.tree.isOpaque(file.tree.root) { return }
    let slots = Set(entries.map(\.slot))
    var pending: [(value: PickleValue, path: String, depth: Int)] = [(file.tree.root, "", 0)]
    var seen: Set<Int32> = []
    while let (value, path, depth) = pending.popLast(), unknown.count < 100 {
      guard case .object(let number) = value, file.tree.isOpaque(value) else { continue }
      if let name = file.tree.opaqueClass(value), converted[number] == nil {
        let count = file.tree.tensors(inside: value).count
        let tensors = count == 0 ? "" : count == 1 ? ", 1 tensor" : ", \(count) tensors"
        unknown.append("'\(path)' (\(name)\(tensors))")
        continue
      }
      // A module is nothing but its tensors then.
      if file.tree.module(value) != nil { continue }
      guard depth < 100, seen.insert(number).inserted else { continue }
      let object = file.tree.objects[Int(number)]
      if let state = file.tree.states[number], object.isDictionary {
        pending.append((state, path + ".__dict__", depth + 1))
      }
      let keyed = file.tree.keyedItems(of: value)
      let items = Array(keyed ?? file.tree.items(of: object))
      let step = keyed == nil ? 1 : 2
      for position in stride(from: 0, to: items.count - step + 1, by: step).reversed() {
        let item = position + step - 1
        if slots.contains(Slot(object: number, item: Int32(item))) { continue }
        let key = step == 2 ? file.tree.key(items[position]) ?? "?" : String(position)
        pending.append((items[item], path.isEmpty ? key : path + "." + key, depth + 1))
      }
    }
  }

  /// What becomes of objects that are written in another form: modules, and arrays of NumPy.
  package var writingNotices: [String] {
    var notices: [String] = []
    for number in converted.keys.sorted() {
      guard let module = file.tree.module(.object(number)) else { continue }
      notices.append(
        "the object of the class '\(module.className)' is written as a dictionary of its tensors, "
          + "as state_dict() gives it: load_state_dict() takes it")
    }
    let arrays = file.storages.count { $0.isInPickle }
    if arrays > 0 {
      notices.append(
        "\(arrays == 1 ? "an array of NumPy is" : "\(arrays) arrays of NumPy are") written as "
          + (arrays == 1 ? "a tensor" : "tensors"))
    }
    return notices
  }

  /// An object of the chosen part that is left out and holds tensors of real numbers.
  var hiddenWeights: String? {
    var pending = [container]
    var seen: Set<Int32> = []
    while let value = pending.popLast() {
      guard case .object(let number) = value, seen.insert(number).inserted,
        file.tree.isOpaque(value)
      else { continue }
      if let name = file.tree.opaqueClass(value), converted[number] == nil {
        let isHiding = file.tree.tensors(inside: value).contains { tensor in
          guard case .view(let view)? = try? file.tensor(tensor) else { return false }
          return view.dtype.isAveraged
        }
        if isHiding { return name }
      } else if file.tree.module(value) == nil {
        let keyed = file.tree.keyedItems(of: value)
        pending += keyed ?? file.tree.items(of: file.tree.objects[Int(number)])
      }
    }
    return nil
  }
}
