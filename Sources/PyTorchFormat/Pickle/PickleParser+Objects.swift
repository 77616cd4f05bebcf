/// What instructions make: names, calls, objects, references and collections.
extension PickleParser {
  mutating func pushGlobal(_ module: String, _ name: String) throws(PyTorchError) {
    let global = PickleGlobal(module: module, name: name)
    if global.standing != .understood { tree.isPlain = false }
    try push(try tree.append(global: global))
  }

  /// Notes what a call would make; only collections and what NumPy has are made.
  mutating func call(_ callable: PickleValue, _ arguments: PickleValue) throws(PyTorchError) {
    guard let list = tree.object(arguments), list.kind == .tuple else {
      throw .damaged("the arguments of a call in its pickle are no tuple")
    }
    let global = tree.global(callable)
    try refuseAttack(global, callable, arguments)
    switch global?.product {
    case .collection(.defaultDictionary)?:
      tree.isPlain = false
      try push(try tree.appendCollection(.defaultDictionary))
    case .collection(let kind)? where kind == .orderedDictionary || kind == .counter:
      try makeDictionary(kind, list)
    case .collection(let kind)? where canMake(kind, of: list):
      tree.isPlain = false
      try makeCollection(kind, list)
    case .bytes? where list.count == 0:
      tree.isPlain = false
      try push(.bytes(PickleValue.Piece(0..<0)))
    case .scalar?:
      if let scalar = tree.scalar(tree.items(of: list)) {
        tree.isPlain = false
        return try push(scalar)
      }
      try pushCall(callable, arguments)
    case .arrayOfBuffer?:
      try pushCall(callable, arguments)
      if let value = stack.last, tree.isArray(value) { tree.setArray(value) }
    default: try pushCall(callable, arguments)
    }
  }

  private mutating func pushCall(_ callable: PickleValue, _ arguments: PickleValue)
    throws(PyTorchError)
  {
    let global = tree.global(callable)
    let value = try tree.appendCall(of: callable, arguments)
    if global?.standing != .understood {
      tree.setOpaque(value)
      tree.isPlain = false
    }
    if let global { tree.setExecutable(value, isExecutable(productOf: global, value)) }
    try push(value)
  }

  /// Whether what a name would make runs code when it is called.
  private func isExecutable(productOf global: PickleGlobal, _ value: PickleValue) -> Bool {
    if global.standing == .makesCode { return true }
    return global.isOfCodeWriter ? false : tree.isExecutable(value) && global.standing == .opaque
  }

  /// Refuses calls of what runs code, and calls that are handed such things or reach for them.
  private func refuseAttack(
    _ global: PickleGlobal?, _ callable: PickleValue, _ arguments: PickleValue
  ) throws(PyTorchError) {
    switch global?.standing {
    case .makesCode?: return
    case .executable?: throw .executable(global?.name ?? "")
    case .getsAttribute?:
      let items = tree.object(arguments).map { Array(tree.items(of: $0)) } ?? []
      let texts = items.compactMap { tree.text($0) }.flatMap { $0.split(separator: ".") }
      if let attribute = texts.first(where: { ExecutableNames.isWayToSystem(String($0)) }) {
        throw .executable("\(global?.name ?? "")(…, '\(attribute)')")
      }
    case .understood?, .opaque?, nil:
      if global == nil, tree.isExecutable(callable) {
        throw .executable(tree.executableName(in: callable) ?? "a function that it makes itself")
      }
      if global?.isOfCodeWriter == true || global?.product != nil { return }
    }
    if tree.isExecutable(arguments) {
      throw .executable(
        tree.executableName(in: arguments) ?? "a function that it makes itself",
        through: global?.name)
    }
  }

  private func canMake(_ kind: PickleObject.Kind, of arguments: PickleObject) -> Bool {
    if arguments.count == 0 { return true }
    guard arguments.count == 1, let first = tree.items(of: arguments).first,
      let source = tree.object(first)
    else { return false }
    return kind == .list ? [.list, .tuple].contains(source.kind) : source.isDictionary
  }

  /// A list of the items of another, or a dictionary of those of another.
  private mutating func makeCollection(_ kind: PickleObject.Kind, _ arguments: PickleObject)
    throws(PyTorchError)
  {
    let made = try tree.appendCollection(kind)
    if let first = tree.items(of: arguments).first, let source = tree.object(first) {
      try tree.add(tree.items(of: source), to: made)
    }
    try push(made)
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

  mutating func makeObject(
    _ type: PickleValue, _ arguments: PickleValue, _ keywords: PickleValue = .none
  ) throws(PyTorchError) {
    let global = tree.global(type)
    if global?.product == .collection(.orderedDictionary) {
      return try push(try tree.appendCollection(.orderedDictionary))
    }
    try refuseAttack(global, type, arguments)
    try refuseAttack(global, type, keywords)
    try pushCall(type, arguments)
    if let value = stack.last { tree.setOpaque(value) }
  }

  /// An object of a class, as protocol 0 writes it: what lies above the mark are the arguments.
  mutating func makeInstance(of type: PickleValue, argumentsFrom start: Int) throws(PyTorchError) {
    let arguments = try tree.append(.tuple, itemsFrom: start, of: stack)
    stack.removeLast(stack.count - start)
    try refuseAttack(tree.global(type), type, arguments)
    try pushCall(type, arguments)
    if let value = stack.last { tree.setOpaque(value) }
  }

  mutating func build() throws(PyTorchError) {
    let state = try pop()
    let value = try top()
    guard let object = tree.object(value) else {
      throw .damaged("its pickle gives a state to what can have none")
    }
    // A class or function takes attributes: what comes after would run with them.
    if object.kind == .global, tree.isExecutable(state) {
      throw .executable(
        tree.executableName(in: state) ?? "a function that it makes itself",
        through: tree.global(value)?.name)
    }
    tree.setState(state, of: value)
    if tree.isArray(value) {
      tree.isPlain = false
      return tree.setArray(value)
    }
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
      // A class with its source text, as before version 1.6.
      guard let type = tree.items(of: reference).dropFirst().first, tree.global(type) != nil else {
        throw .damaged("a reference to a class in its pickle does not name it")
      }
      try push(type)
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
      if tree.object(target)?.isMutable == true || isKeyed {
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
