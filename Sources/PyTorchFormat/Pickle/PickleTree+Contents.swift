/// What is in the parts of a tree, as a program that looks for tensors sees it.
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

  /// Whether a value makes a tensor or an array, by its name alone.
  func makesTensor(_ value: PickleValue) -> Bool {
    if let object = object(value), object.kind == .array { return true }
    return call(value)?.callable.makesTensor ?? false
  }

  /// A tensor in a part of the tree, also in modules; each object is looked at once.
  func firstTensor(below value: PickleValue) -> PickleValue? {
    var pending = [value]
    var seen: Set<Int32> = []
    while let value = pending.popLast() {
      if makesTensor(value) { return value }
      guard case .object(let number) = value, seen.insert(number).inserted else { continue }
      pending.append(contentsOf: children(of: value).reversed())
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
      let children = children(of: value)
      guard case .object(let number) = value, isContainer(value) else {
        if opaqueClass(value) == nil { counts.others += 1 }
        continue
      }
      if seen.insert(number).inserted { pending.append(contentsOf: children) }
    }
    return counts
  }

  /// The tensors that an object which is not understood holds anywhere in it.
  func tensors(inside value: PickleValue) -> [PickleValue] {
    var tensors: [PickleValue] = []
    var pending = [value]
    var seen: Set<Int32> = []
    while let value = pending.popLast() {
      guard case .object(let number) = value, seen.insert(number).inserted else { continue }
      if makesTensor(value) {
        tensors.append(value)
        continue
      }
      if let state = states[number] { pending.append(state) }
      pending.append(contentsOf: items(of: objects[Int(number)]))
      if let keyed = keyedItems(of: value) { pending.append(contentsOf: keyed) }
    }
    return tensors
  }

  /// Whether a value can hold tensors under names: a collection, a module, an object that was filled like a dictionary.
  func isContainer(_ value: PickleValue) -> Bool {
    guard let object = object(value) else { return false }
    return object.isCollection || keyedItems(of: value) != nil || module(value) != nil
  }

  /// The values in a collection, without keys; of a module, those of its parameters, buffers and modules.
  private func children(of value: PickleValue) -> [PickleValue] {
    if let keyed = keyedItems(of: value) {
      return stride(from: keyed.startIndex + 1, to: keyed.endIndex, by: 2).map { keyed[$0] }
    }
    if let object = object(value), object.isCollection { return Array(items(of: object)) }
    guard let module = module(value) else { return [] }
    return [module.parameters, module.buffers, module.modules]
  }
}
