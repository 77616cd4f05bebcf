import TensorCore

/// Reads a pickle of protocol 2 to 5 as data: nothing is imported, nothing is called.
///
/// It is a machine with a stack and a memo, like Python's, which makes a tree instead of objects. Its memory is
/// bounded by the number of values that a tree may have.
struct PickleParser {
  var tree: PickleTree
  var position: Int
  var stack: [PickleValue] = []
  var marks: [Int] = []
  /// Values by their numbers, which most often count up from 0.
  private var memo: [PickleValue] = []
  private var sparseMemo: [UInt32: PickleValue] = [:]
  let count: Int

  /// Longer names are attacks.
  static let maximumNameLength = 1024

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
    // As many values as objects are given a number.
    memo.reserveCapacity(min(bytes.count / 16, PickleTree.maximumValueCount))
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
    case .emptyTuple: try makeTuple(0)
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
      let keywords = try pop()
      let arguments = try pop()
      try makeObject(try pop(), arguments, keywords)
    case .build: try build()
    case .binaryPersistentID: try refer()
    case .persistentID:
      throw .damaged("a reference in its pickle is a line of text, not a storage")
    case .instance:
      let module = try line()
      let type = try tree.append(global: PickleGlobal(module: module, name: try line()))
      try makeInstance(of: type, argumentsFrom: stack.count - (try popMark()))
    case .object:
      let start = stack.count - (try popMark())
      guard start < stack.count else { throw PickleParser.underflow }
      try makeInstance(of: stack.remove(at: start), argumentsFrom: start)
    case .extension1, .extension2, .extension4, .nextBuffer, .readOnlyBuffer:
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

  // MARK: - Stack and memo

  static let underflow = PyTorchError.damaged("its pickle takes more values than it makes")

  mutating func push(_ value: PickleValue) throws(PyTorchError) {
    stack.append(value)
    try tree.count(1)
  }

  mutating func pop() throws(PyTorchError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw PickleParser.underflow
    }
    return value
  }

  func top() throws(PyTorchError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw PickleParser.underflow
    }
    return value
  }

  /// Takes a mark away; returns how many values lie above it.
  mutating func popMark() throws(PyTorchError) -> Int {
    guard let mark = marks.popLast() else { throw .damaged("a mark is missing in its pickle") }
    return stack.count - mark
  }

  mutating func put(_ number: UInt32) throws(PyTorchError) {
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

  mutating func get(_ number: UInt32) throws(PyTorchError) {
    let value = number < memo.count ? memo[Int(number)] : sparseMemo[number]
    guard let value else {
      throw .damaged("its pickle refers to a value \(number) that it has not made")
    }
    try push(value)
  }
}
