import TensorCore

/// Reads a pickle of protocol 2 to 5 as data: nothing is imported, nothing is called.
///
/// It is a machine with a stack and a memo, like Python's, which makes a tree instead of objects. Its memory is
/// bounded by the number of values that a tree may have.
struct PickleParser {
  private var tree: PickleTree
  private var position: Int
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  /// Values by their numbers, which most often count up from 0.
  private var memo: [PickleValue] = []
  private var sparseMemo: [UInt32: PickleValue] = [:]
  private let count: Int

  /// Longer names are attacks.
  private static let maximumNameLength = 1024

  /// Reads the pickle that starts at `start`.
  ///
  /// - Throws: `PyTorchError`; `cutOff` tells whether more bytes could help.
  static func parse(_ bytes: [UInt8], from start: Int = 0) throws(PyTorchError) -> PickleTree {
    var parser = PickleParser(bytes, from: start)
    try parser.run()
    return parser.tree
  }

  /// The error for a pickle that goes on where the bytes end.
  static let cutOff = PyTorchError.damaged("its pickle is cut off")

  private init(_ bytes: [UInt8], from start: Int) {
    tree = PickleTree(bytes)
    position = start
    count = bytes.count
  }

  private mutating func run() throws(PyTorchError) {
    while true {
      let place = position
      let byte = try byte()
      guard let opcode = PickleOpcode(rawValue: byte) else {
        throw .damaged("byte \(place) of its pickle, \(byte), is no instruction")
      }
      if opcode == .stop { break }
      if !opcode.isPlain { tree.isPlain = false }
      try perform(opcode)
    }
    tree.root = try pop()
    tree.end = position
    if tree.isOpaque(tree.root) { tree.isPlain = false }
  }

  // MARK: - Instructions

  private mutating func perform(_ opcode: PickleOpcode) throws(PyTorchError) {
    switch opcode {
    case .mark:
      marks.append(stack.count)
      try tree.count(1)
    case .none: try push(.none)
    case .newTrue: try push(.boolean(true))
    case .newFalse: try push(.boolean(false))
    case .binaryInt1: try push(.integer(Int(try byte())))
    case .binaryInt2: try push(.integer(Int(try unsigned(2))))
    case .binaryInt: try push(.integer(Int(Int32(truncatingIfNeeded: try unsigned(4)))))
    case .binaryFloat:
      let pattern = try unsigned(8).byteSwapped
      try push(.float(Double(bitPattern: pattern)))
    case .binaryUnicode: try push(.text(try piece(try unsigned(4))))
    case .shortBinaryUnicode, .shortBinaryString: try push(.text(try piece(try unsigned(1))))
    case .binaryUnicode8: try push(.text(try piece(try unsigned(8))))
    case .binaryString: try push(.text(try piece(try signedCount())))
    case .shortBinaryBytes: try push(.bytes(try piece(try unsigned(1))))
    case .binaryBytes: try push(.bytes(try piece(try unsigned(4))))
    case .binaryBytes8, .byteArray8: try push(.bytes(try piece(try unsigned(8))))
    case .long1: try pushLong(try piece(try unsigned(1)))
    case .long4: try pushLong(try piece(try signedCount()))
    case .emptyTuple: try push(try tree.append(.tuple, items: []))
    case .tuple1: try makeTuple(1)
    case .tuple2: try makeTuple(2)
    case .tuple3: try makeTuple(3)
    case .tuple: try makeTuple(try popMark())
    case .emptyList: try push(try tree.appendCollection(.list))
    case .emptyDictionary: try push(try tree.appendCollection(.dictionary))
    case .emptySet: try push(try tree.appendCollection(.set))
    case .binaryGet: try get(UInt32(try byte()))
    case .longBinaryGet: try get(UInt32(try unsigned(4)))
    case .binaryPut: try put(UInt32(try byte()))
    case .longBinaryPut: try put(UInt32(try unsigned(4)))
    case .memoize: try put(UInt32(memo.count + sparseMemo.count))
    case .append, .appends, .setItem, .setItems, .addItems, .list, .dictionary, .frozenSet:
      try collect(opcode)
    case .pop: if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
    case .popMark: stack.removeLast(try popMark())
    case .duplicate: try push(try top())
    default: try performRare(opcode)
    }
  }

  private mutating func performRare(_ opcode: PickleOpcode) throws(PyTorchError) {
    switch opcode {
    case .proto:
      let version = try byte()
      guard version <= 5 else {
        throw .unsupported("its pickle has the protocol \(version); 2 to 5 are known")
      }
      if version != 2 { tree.isPlain = false }
    case .frame:
      guard try unsigned(8) <= UInt64(count - position) else { throw PickleParser.cutOff }
    case .global:
      let module = try line()
      try pushGlobal(module, try line())
    case .stackGlobal:
      let name = try pop()
      guard let module = tree.text(try pop()), let name = tree.text(name) else {
        throw .damaged("a name in its pickle is no text")
      }
      try pushGlobal(module, name)
    case .reduce:
      let arguments = try pop()
      try call(try pop(), arguments)
    case .newObject:
      let arguments = try pop()
      try makeObject(try pop(), arguments)
    case .newObjectWithKeywords:
      _ = try pop()
      let arguments = try pop()
      try makeObject(try pop(), arguments)
    case .build: try build()
    case .binaryPersistentID: try refer()
    case .persistentID:
      throw .damaged("a reference in its pickle is a line of text, not a storage")
    case .instance:
      let module = try line()
      try pushGlobal(module, try line())
      throw .unsupported("its pickle makes an object of a class of Python 1")
    case .object, .extension1, .extension2, .extension4, .nextBuffer, .readOnlyBuffer:
      throw .unsupported(
        "its pickle has the instruction \(opcode.rawValue), which no checkpoint needs")
    default: try performText(opcode)
    }
  }

  /// The instructions of protocol 0, which have their operands as lines of text.
  private mutating func performText(_ opcode: PickleOpcode) throws(PyTorchError) {
    let text = try line()
    switch opcode {
    case .float:
      guard let value = Double(text) else { throw .damaged("'\(text)' in its pickle is no number") }
      try push(.float(value))
    case .int where text == "00" || text == "01": try push(.boolean(text == "01"))
    case .int, .long:
      guard let value = Int(text.last == "L" ? String(text.dropLast()) : text) else {
        throw .damaged("'\(text)' in its pickle is no number")
      }
      try push(.integer(value))
    case .get, .put:
      guard let number = UInt32(text) else {
        throw .damaged("'\(text)' in its pickle is no number")
      }
      if opcode == .get { try get(number) } else { try put(number) }
    case .string, .unicode:
      guard !text.utf8.contains(UInt8(ascii: "\\")) else {
        throw .unsupported("its pickle has the protocol 0; 2 to 5 are known")
      }
      // The quotes of a string, and the end of the line, are no part of it.
      let quotes = opcode == .string ? 1 : 0
      let end = position - 1 - quotes
      let start = end - text.utf8.count + 2 * quotes
      guard start <= end else { throw .damaged("a text in its pickle has no quotes") }
      try push(.text(PickleValue.Piece(start..<end)))
    default: throw .damaged("its pickle has an instruction in the wrong place")
    }
  }

  // MARK: - Objects

  private mutating func pushGlobal(_ module: String, _ name: String) throws(PyTorchError) {
    let global = PickleGlobal(module: module, name: name)
    if global.standing == .executable { throw .executable(global.name) }
    try push(try tree.append(global: global))
  }

  /// Notes what a call would make; only the containers of checkpoints are made.
  private mutating func call(_ callable: PickleValue, _ arguments: PickleValue) throws(PyTorchError)
  {
    guard let list = tree.object(arguments), list.kind == .tuple else {
      throw .damaged("the arguments of a call in its pickle are no tuple")
    }
    let name = tree.global(callable)?.name
    switch name {
    case "collections.OrderedDict": try makeDictionary(.orderedDictionary, list)
    case "collections.Counter": try makeDictionary(.counter, list)
    case "collections.defaultdict":
      tree.isPlain = false
      try push(try tree.appendCollection(.defaultDictionary))
    default:
      let value = try tree.append(.call, items: [callable, arguments])
      if tree.global(callable)?.standing != .understood { tree.setOpaque(value) }
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

  private mutating func makeObject(_ type: PickleValue, _ arguments: PickleValue)
    throws(PyTorchError)
  {
    let isOrdered = tree.global(type)?.name == "collections.OrderedDict"
    if isOrdered { return try push(try tree.appendCollection(.orderedDictionary)) }
    let value = try tree.append(.call, items: [type, arguments])
    tree.setOpaque(value)
    try push(value)
  }

  private mutating func build() throws(PyTorchError) {
    let state = try pop()
    let value = try top()
    guard let object = tree.object(value) else {
      throw .damaged("its pickle gives a state to what can have none")
    }
    tree.setState(state, of: value)
    // Tensors with attributes would be made anew: what they would be is not known.
    if object.kind != .orderedDictionary { tree.setOpaque(value) }
  }

  private mutating func refer() throws(PyTorchError) {
    guard let reference = tree.object(try pop()), reference.kind == .tuple else {
      throw .damaged("a reference in its pickle is no tuple")
    }
    let parts = tree.items(of: reference)
    switch parts.first {
    case .text(let piece)? where tree.bytes[piece.range].elementsEqual("storage".utf8):
      guard (5...6).contains(parts.count) else {
        throw .damaged("a reference to a storage has \(parts.count) parts instead of 5")
      }
      try push(try tree.append(.storage, items: parts))
    case .text(let piece)? where tree.bytes[piece.range].elementsEqual("module".utf8):
      let type = parts.count > 1 ? tree.global(parts[parts.startIndex + 1])?.name : nil
      throw .wholeObject(type ?? "torch.nn.Module")
    default: throw .damaged("a reference in its pickle is not to a storage")
    }
  }

  // MARK: - Collections

  private mutating func collect(_ opcode: PickleOpcode) throws(PyTorchError) {
    let added: Int
    switch opcode {
    case .append: added = 1
    case .setItem: added = 2
    default: added = try popMark()
    }
    guard stack.count - (marks.last ?? 0) >= added else { throw PickleParser.underflow }
    let items = stack[(stack.count - added)...]
    let isKeyed = [.setItem, .setItems, .dictionary].contains(opcode)
    if isKeyed && added % 2 != 0 { throw .damaged("a key in its pickle has no value") }
    switch opcode {
    case .list, .dictionary:
      let made = try tree.appendCollection(opcode == .list ? .list : .dictionary)
      try tree.add(items, to: made)
      stack.removeLast(added)
      try push(made)
    case .frozenSet:
      let made = try tree.append(.frozenSet, items: items)
      stack.removeLast(added)
      try push(made)
    default:
      stack.removeLast(added)
      let target = try top()
      try checkTarget(target, opcode, isKeyed: isKeyed)
      if let object = tree.object(target), object.isMutable { try tree.add(items, to: target) }
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

  private mutating func makeTuple(_ count: Int) throws(PyTorchError) {
    guard stack.count - (marks.last ?? 0) >= count else { throw PickleParser.underflow }
    let made = try tree.append(.tuple, items: stack[(stack.count - count)...])
    stack.removeLast(count)
    try push(made)
  }

  // MARK: - Stack and memo

  private static let underflow = PyTorchError.damaged("its pickle takes more values than it makes")

  private mutating func push(_ value: PickleValue) throws(PyTorchError) {
    stack.append(value)
    try tree.count(1)
  }

  private mutating func pop() throws(PyTorchError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw PickleParser.underflow
    }
    return value
  }

  private func top() throws(PyTorchError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw PickleParser.underflow
    }
    return value
  }

  /// Takes a mark away; returns how many values lie above it.
  private mutating func popMark() throws(PyTorchError) -> Int {
    guard let mark = marks.popLast() else { throw .damaged("a mark is missing in its pickle") }
    return stack.count - mark
  }

  private mutating func put(_ number: UInt32) throws(PyTorchError) {
    let value = try top()
    try tree.count(1)
    if number < memo.count {
      memo[Int(number)] = value
    } else if number == memo.count && sparseMemo.isEmpty {
      memo.append(value)
    } else {
      sparseMemo[number] = value
      // An entry of a dictionary takes several times as much.
      try tree.count(4)
    }
  }

  private mutating func get(_ number: UInt32) throws(PyTorchError) {
    let value = number < memo.count ? memo[Int(number)] : sparseMemo[number]
    guard let value else {
      throw .damaged("its pickle refers to a value \(number) that it has not made")
    }
    try push(value)
  }

  // MARK: - Bytes

  @inline(__always)
  private mutating func byte() throws(PyTorchError) -> UInt8 {
    guard position < count else { throw PickleParser.cutOff }
    defer { position += 1 }
    return tree.bytes[position]
  }

  /// A little-endian number.
  private mutating func unsigned(_ width: Int) throws(PyTorchError) -> UInt64 {
    guard width <= count - position else { throw PickleParser.cutOff }
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(tree.bytes[position + index]) << UInt64(8 * index) }
    position += width
    return value
  }

  private mutating func signedCount() throws(PyTorchError) -> UInt64 {
    let count = try unsigned(4)
    guard count < 1 << 31 else { throw .damaged("a length in its pickle is negative") }
    return count
  }

  private mutating func piece(_ length: UInt64) throws(PyTorchError) -> PickleValue.Piece {
    guard length <= UInt64(count - position), length < UInt64(UInt32.max) else {
      throw PickleParser.cutOff
    }
    defer { position += Int(length) }
    return PickleValue.Piece(position..<position + Int(length))
  }

  private mutating func pushLong(_ piece: PickleValue.Piece) throws(PyTorchError) {
    guard piece.count <= 8 else { return try push(.longInteger(piece)) }
    var pattern: UInt64 = 0
    for (index, byte) in tree.bytes[piece.range].enumerated() {
      pattern |= UInt64(byte) << UInt64(8 * index)
    }
    // The sign goes on to the left.
    let unused = 64 - 8 * Int64(piece.count)
    let value = piece.count == 0 ? 0 : Int64(bitPattern: pattern << UInt64(unused)) >> unused
    try push(.integer(Int(value)))
  }

  private mutating func line() throws(PyTorchError) -> String {
    let start = position
    while true {
      guard position < count else { throw PickleParser.cutOff }
      if tree.bytes[position] == UInt8(ascii: "\n") { break }
      guard position - start < PickleParser.maximumNameLength else {
        throw .damaged("a name in its pickle does not end")
      }
      position += 1
    }
    defer { position += 1 }
    guard let line = String(validating: tree.bytes[start..<position], as: UTF8.self) else {
      throw .damaged("a name in its pickle is not UTF-8")
    }
    return line
  }
}
