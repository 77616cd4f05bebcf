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
  private var valueCount = 0

  /// More values than any checkpoint has; they take some 100 MiB.
  static let maximumValueCount = 5 << 20

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
    case .tuple, .call, .storage: items[Int(object.place)..<Int(object.place + object.count)]
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
      if isOpaque(stack[index]) { object.isOpaque = true }
    }
    return try append(object, values: stack.count - start)
  }

  /// Adds what a call would make.
  mutating func appendCall(of callable: PickleValue, _ arguments: PickleValue)
    throws(PyTorchError) -> PickleValue
  {
    var object = PickleObject(.call, place: items.count, count: 2)
    object.isOpaque = isOpaque(callable) || isOpaque(arguments)
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
    lists[Int(objects[Int(number)].place)].append(contentsOf: added)
    if added.contains(where: isOpaque) { objects[Int(number)].isOpaque = true }
  }

  mutating func setState(_ state: PickleValue, of value: PickleValue) {
    guard case .object(let number) = value else { return }
    states[number] = state
    if isOpaque(state) { objects[Int(number)].isOpaque = true }
  }

  mutating func setOpaque(_ value: PickleValue) {
    if case .object(let number) = value { objects[Int(number)].isOpaque = true }
  }

  /// Whether a value or something in it is not understood.
  func isOpaque(_ value: PickleValue) -> Bool {
    if case .object(let number) = value { objects[Int(number)].isOpaque } else { false }
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
