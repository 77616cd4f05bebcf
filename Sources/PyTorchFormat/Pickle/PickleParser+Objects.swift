/// What instructions make: names, calls, objects, references and collections.
extension PickleParser {
  mutating func pushGlobal(_ module: String, _ name: String) throws(PyTorchError) {
    let global = PickleGlobal(module: module, name: name)
    if global.standing == .executable { throw .executable(global.name) }
    try push(try tree.append(global: global))
  }

  /// Notes what a call would make; only the containers of checkpoints are made.
  mutating func call(_ callable: PickleValue, _ arguments: PickleValue) throws(PyTorchError) {
    guard let list = tree.object(arguments), list.kind == .tuple else {
      throw .damaged("the arguments of a call in its pickle are no tuple")
    }
    let global = tree.global(callable)
    switch global?.collection {
    case .defaultDictionary?:
      tree.isPlain = false
      try push(try tree.appendCollection(.defaultDictionary))
    case let collection?: try makeDictionary(collection, list)
    case nil:
      let value = try tree.appendCall(of: callable, arguments)
      if global?.standing != .understood { tree.setOpaque(value) }
      try push(value)
    }
  }

  /// An ordered dictionary of pairs, or a counter of a dictionary.
  private mutating func makeDictionary(_ kind: PickleObject.Kind, _ arguments: PickleObject)
    throws(PyTorchError)
  {
    let made = try tree.appendCollection(kind)
    let items = tree.items(of: arguments)
    if let first = items.first {
      guard items.count == 1, let source = tree.object(first) else {
        throw .damaged("a dictionary in its pickle is made of something else")
      }
      // It is written again as a dictionary that is filled.
      tree.isPlain = false
      if source.isDictionary {
        try tree.add(tree.items(of: source), to: made)
      } else {
        for pair in tree.items(of: source) {
          guard let pair = tree.tuple(pair), pair.count == 2 else {
            throw .damaged("a dictionary in its pickle is made of something else")
          }
          try tree.add(pair, to: made)
        }
      }
    }
    try push(made)
  }

  mutating func makeObject(_ type: PickleValue, _ arguments: PickleValue)
    throws(PyTorchError)
  {
    if tree.global(type)?.collection == .orderedDictionary {
      return try push(try tree.appendCollection(.orderedDictionary))
    }
    let value = try tree.appendCall(of: type, arguments)
    tree.setOpaque(value)
    try push(value)
  }

  mutating func build() throws(PyTorchError) {
    let state = try pop()
    let value = try top()
    guard let object = tree.object(value) else {
      throw .damaged("its pickle gives a state to what can have none")
    }
    tree.setState(state, of: value)
    // Tensors with attributes would be made anew: what they would be is not known.
    if object.kind != .orderedDictionary { tree.setOpaque(value) }
  }

  mutating func refer() throws(PyTorchError) {
    guard let reference = tree.object(try pop()), reference.kind == .tuple else {
      throw .damaged("a reference in its pickle is no tuple")
    }
    switch tree.items(of: reference).first {
    case .text(let piece)? where tree.bytes[piece.range].elementsEqual("storage".utf8):
      guard (5...6).contains(reference.count) else {
        throw .damaged("a reference to a storage has \(reference.count) parts instead of 5")
      }
      try push(try tree.append(.storage, itemsOf: reference))
    case .text(let piece)? where tree.bytes[piece.range].elementsEqual("module".utf8):
      let type = tree.items(of: reference).dropFirst().first.flatMap { tree.global($0)?.name }
      throw .wholeObject(type ?? "torch.nn.Module")
    default: throw .damaged("a reference in its pickle is not to a storage")
    }
  }

  // MARK: - Collections

  mutating func collect(_ opcode: PickleOpcode) throws(PyTorchError) {
    let added: Int
    switch opcode {
    case .append: added = 1
    case .setItem: added = 2
    default: added = try popMark()
    }
    guard stack.count - (marks.last ?? 0) >= added else { throw PickleParser.underflow }
    let start = stack.count - added
    let isKeyed = [.setItem, .setItems, .dictionary].contains(opcode)
    if isKeyed && added % 2 != 0 { throw .damaged("a key in its pickle has no value") }
    // The items stay on the stack until they are copied: a slice that outlives them would copy all of the stack.
    switch opcode {
    case .list, .dictionary:
      let made = try tree.appendCollection(opcode == .list ? .list : .dictionary)
      try tree.add(stack[start...], to: made)
      stack.removeLast(added)
      try push(made)
    case .frozenSet:
      let made = try tree.append(.frozenSet, itemsFrom: start, of: stack)
      stack.removeLast(added)
      try push(made)
    default:
      guard start > marks.last ?? 0 else { throw PickleParser.underflow }
      let target = stack[start - 1]
      try checkTarget(target, opcode, isKeyed: isKeyed)
      if let object = tree.object(target), object.isMutable {
        try tree.add(stack[start...], to: target)
      }
      stack.removeLast(added)
    }
  }

  /// Only collections take items; what others would do with them is not known.
  private func checkTarget(_ target: PickleValue, _ opcode: PickleOpcode, isKeyed: Bool)
    throws(PyTorchError)
  {
    guard let object = tree.object(target) else {
      throw .damaged("its pickle adds items to what is no collection")
    }
    switch object.kind {
    case .list where opcode == .append || opcode == .appends: return
    case .set where opcode == .addItems: return
    case .dictionary, .orderedDictionary, .counter, .defaultDictionary:
      if isKeyed { return }
    case .call where object.isOpaque: return
    default: break
    }
    throw .damaged("its pickle adds items to what is no collection of them")
  }

  mutating func makeTuple(_ count: Int) throws(PyTorchError) {
    guard stack.count - (marks.last ?? 0) >= count else { throw PickleParser.underflow }
    let made = try tree.append(.tuple, itemsFrom: stack.count - count, of: stack)
    stack.removeLast(count)
    try push(made)
  }
}
