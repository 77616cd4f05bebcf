/// What a pickle says, as data: values, and the names of what it would call.
struct PickleTree: Sendable {
  /// The pickle.
  let bytes: [UInt8]
  /// Whether it consists of what PyTorch's loader for weights alone accepts.
  var isPlain = true
  /// What the pickle makes.
  var root = PickleValue.none
  /// Where the pickle ends in `bytes`.
  var end = 0

  private(set) var objects: [PickleObject] = []
  /// Items of tuples, of calls and of references to storages.
  private var items: [PickleValue] = []
  /// Items of lists and sets; keys and values of dictionaries, one behind the other.
  private var lists: [[PickleValue]] = []
  private(set) var globals: [PickleGlobal] = []
  private var globalNumbers: [String: Int] = [:]
  /// What objects were told to take as their state.
  private(set) var states: [Int32: PickleValue] = [:]
  /// What was added to objects of classes that are not understood: keys and values, by the number of a list.
  private var contents: [Int32: Int] = [:]
  private var valueCount = 0

  /// More values than any checkpoint has: a history of millions of numbers, each of which counts twice. They take at
  /// most 16 bytes each.
  static let maximumValueCount = 48 << 20

  /// Starts with nothing made.
  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // What a checkpoint says of a tensor takes some 130 bytes, and makes 8 objects of 24 items.
    objects.reserveCapacity(min(bytes.count / 16, PickleTree.maximumValueCount))
    items.reserveCapacity(min(bytes.count / 5, PickleTree.maximumValueCount))
    lists.reserveCapacity(min(bytes.count / 128, PickleTree.maximumValueCount))
  }

  // MARK: - Reading

  func object(_ value: PickleValue) -> PickleObject? {
    if case .object(let number) = value { objects[Int(number)] } else { nil }
  }

  /// The items of an object; keys and values of a dictionary in turns; the callable and the arguments of a call.
  func items(of object: PickleObject) -> ArraySlice<PickleValue> {
    switch object.kind {
    case .tuple, .call, .storage, .array:
      items[Int(object.place)..<Int(object.place + object.count)]
    case .global: []
    default: lists[Int(object.place)][...]
    }
  }

  /// The items of a tuple, or of what takes a tuple as its only argument: `torch.Size`.
  func tuple(_ value: PickleValue) -> ArraySlice<PickleValue>? {
    guard let object = object(value) else { return nil }
    switch object.kind {
    case .tuple, .list: return items(of: object)
    case .call:
      let parts = items(of: object)
      guard global(parts[parts.startIndex])?.name == "torch.Size",
        let arguments = self.object(parts[parts.startIndex + 1]), arguments.kind == .tuple,
        arguments.count == 1
      else { return nil }
      let inner = items(of: arguments)
      guard let list = self.object(inner[inner.startIndex]), [.tuple, .list].contains(list.kind)
      else { return nil }
      return items(of: list)
    default: return nil
    }
  }

  /// Keys and values in turns of a dictionary, and of an object of another class that was filled like one.
  func keyedItems(of value: PickleValue) -> ArraySlice<PickleValue>? {
    guard case .object(let number) = value else { return nil }
    if objects[Int(number)].isDictionary { return items(of: objects[Int(number)]) }
    return contents[number].map { lists[$0][...] }
  }

  /// The state of an object as a dictionary; classes with slots have a pair of them.
  func attributes(of value: PickleValue) -> ArraySlice<PickleValue>? {
    guard case .object(let number) = value, let state = states[number] else { return nil }
    if let pair = tuple(state), pair.count == 2, let first = pair.first {
      return keyedItems(of: first)
    }
    return keyedItems(of: state)
  }

  /// The name that a value is.
  func global(_ value: PickleValue) -> PickleGlobal? {
    guard let object = object(value), object.kind == .global else { return nil }
    return globals[Int(object.place)]
  }

  /// The name of what makes an object, and its arguments.
  func call(_ value: PickleValue) -> (callable: PickleGlobal, arguments: ArraySlice<PickleValue>)? {
    guard let object = object(value), object.kind == .call else { return nil }
    let parts = items(of: object)
    guard let callable = global(parts[parts.startIndex]),
      let arguments = self.object(parts[parts.startIndex + 1]), arguments.kind == .tuple
    else { return nil }
    return (callable, items(of: arguments))
  }

  /// The text of a value; nil for what is none.
  func text(_ value: PickleValue) -> String? {
    guard case .text(let piece) = value else { return nil }
    return String(validating: bytes[piece.range], as: UTF8.self)
  }

  /// Whether a value is a certain text.
  func isText(_ value: PickleValue, _ text: String) -> Bool {
    guard case .text(let piece) = value else { return false }
    return bytes[piece.range].elementsEqual(text.utf8)
  }

  // MARK: - Making

  /// Adds an object of the values of a stack from `start` on.
  mutating func append(
    _ kind: PickleObject.Kind, itemsFrom start: Int, of stack: [PickleValue]
  ) throws(PyTorchError) -> PickleValue {
    var object = PickleObject(kind, place: items.count, count: stack.count - start)
    object.isOpaque = kind == .frozenSet
    for index in start..<stack.count {
      items.append(stack[index])
      note(stack[index], in: &object)
    }
    return try append(object, values: stack.count - start)
  }

  /// Adds what a call would make.
  mutating func appendCall(of callable: PickleValue, _ arguments: PickleValue)
    throws(PyTorchError) -> PickleValue
  {
    var object = PickleObject(.call, place: items.count, count: 2)
    note(callable, in: &object)
    note(arguments, in: &object)
    items.append(callable)
    items.append(arguments)
    return try append(object, values: 2)
  }

  /// Adds an object of the items of a tuple.
  mutating func append(_ kind: PickleObject.Kind, itemsOf tuple: PickleObject)
    throws(PyTorchError) -> PickleValue
  {
    let place = items.count
    let first = Int(tuple.place)
    for index in first..<first + Int(tuple.count) { items.append(items[index]) }
    var object = PickleObject(kind, place: place, count: Int(tuple.count))
    object.isOpaque = tuple.isOpaque
    return try append(object, values: Int(tuple.count))
  }

  /// Adds an empty list, set or dictionary.
  mutating func appendCollection(_ kind: PickleObject.Kind) throws(PyTorchError) -> PickleValue {
    lists.append([])
    return try append(PickleObject(kind, place: lists.count - 1), values: 1)
  }

  mutating func append(global: PickleGlobal) throws(PyTorchError) -> PickleValue {
    let number: Int
    if let known = globalNumbers[global.name] {
      number = known
    } else {
      number = globals.count
      globals.append(global)
      globalNumbers[global.name] = number
    }
    var object = PickleObject(.global, place: number)
    object.isOpaque = global.standing != .understood
    object.isExecutable = [.executable, .getsAttribute].contains(global.standing)
    return try append(object, values: 1)
  }

  private mutating func append(_ object: PickleObject, values: Int) throws(PyTorchError)
    -> PickleValue
  {
    try count(values + 1)
    objects.append(object)
    return .object(Int32(objects.count - 1))
  }

  /// Adds items to a list, set or dictionary.
  mutating func add(_ added: ArraySlice<PickleValue>, to value: PickleValue) throws(PyTorchError) {
    guard case .object(let number) = value else { return }
    try count(added.count)
    lists[list(of: number)].append(contentsOf: added)
    var object = objects[Int(number)]
    for item in added { note(item, in: &object) }
    objects[Int(number)] = object
  }

  /// The list that takes the items of an object.
  private mutating func list(of number: Int32) -> Int {
    let object = objects[Int(number)]
    if object.isMutable { return Int(object.place) }
    if let known = contents[number] { return known }
    lists.append([])
    contents[number] = lists.count - 1
    return lists.count - 1
  }

  /// What a value is not understood to be, neither is what holds it.
  private func note(_ value: PickleValue, in object: inout PickleObject) {
    guard case .object(let number) = value else { return }
    let item = objects[Int(number)]
    if item.isOpaque { object.isOpaque = true }
    if item.isExecutable { object.isExecutable = true }
  }

  mutating func setState(_ state: PickleValue, of value: PickleValue) {
    guard case .object(let number) = value else { return }
    states[number] = state
    var object = objects[Int(number)]
    note(state, in: &object)
    objects[Int(number)] = object
  }

  /// Makes an array of a call that was told what the array is.
  mutating func setArray(_ value: PickleValue) {
    guard case .object(let number) = value else { return }
    var array = PickleObject(
      .array, place: Int(objects[Int(number)].place), count: Int(objects[Int(number)].count))
    array.isExecutable = objects[Int(number)].isExecutable
    objects[Int(number)] = array
  }

  /// Notes whether a value runs code when it is called.
  mutating func setExecutable(_ value: PickleValue, _ isExecutable: Bool) {
    if case .object(let number) = value { objects[Int(number)].isExecutable = isExecutable }
  }

  mutating func setOpaque(_ value: PickleValue) {
    if case .object(let number) = value { objects[Int(number)].isOpaque = true }
  }

  /// Whether a value or something in it is not understood.
  func isOpaque(_ value: PickleValue) -> Bool {
    if case .object(let number) = value { objects[Int(number)].isOpaque } else { false }
  }

  /// Whether a value is or holds what runs code when it is called.
  func isExecutable(_ value: PickleValue) -> Bool {
    if case .object(let number) = value { objects[Int(number)].isExecutable } else { false }
  }

  /// The first name in a value that runs code when it is called.
  func executableName(in value: PickleValue) -> String? {
    var pending = [value]
    var seen: Set<Int32> = []
    while let value = pending.popLast() {
      guard case .object(let number) = value, isExecutable(value), seen.insert(number).inserted
      else { continue }
      if let name = global(value)?.name { return name }
      if let state = states[number] { pending.append(state) }
      pending.append(contentsOf: items(of: objects[Int(number)]).reversed())
    }
    return nil
  }

  /// Notes that values were made, of which there may be so many.
  mutating func count(_ values: Int) throws(PyTorchError) {
    valueCount += values
    guard valueCount <= PickleTree.maximumValueCount else {
      throw PyTorchError(
        .tooLarge,
        "its pickle makes more than \(PickleTree.maximumValueCount) values, "
          + "more than any checkpoint needs")
    }
  }
}
