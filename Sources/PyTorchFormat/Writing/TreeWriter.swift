import TensorCore

/// Writes what a pickle said again, with other tensors in some places.
struct TreeWriter {
  var tensors = TensorWriter()

  private let file: PyTorchFile
  private let dictionary: StateDictionary
  private var tree: PickleTree { file.tree }
  /// What takes the place of weights; nil for what is left out.
  private var replacements: [StateDictionary.Slot: PickledTensor?] = [:]
  /// Tensors that the file did not have.
  private var added: [PickledTensor] = []
  private var memo: [Int32: Int] = [:]
  private var depth = 0

  private static let maximumDepth = 200

  init(
    _ outputs: [PickledTensor], keeping unreadable: Set<ExactString>,
    _ dictionary: StateDictionary, _ file: PyTorchFile
  ) {
    self.file = file
    self.dictionary = dictionary
    let byName = Dictionary(
      outputs.map { (ExactString($0.info.name), $0) }, uniquingKeysWith: { first, _ in first })
    for entry in dictionary.entries {
      replacements[entry.slot] = .some(byName[ExactString(entry.name)])
    }
    for tensor in dictionary.unreadable
    where !unreadable.contains(ExactString(tensor.tensor.name)) {
      replacements[tensor.slot] = .some(nil)
    }
    let known = Set(dictionary.entries.map { ExactString($0.name) })
    added = outputs.filter { !known.contains(ExactString($0.info.name)) }
    leaveOutEmptyParts(Set(byName.keys))
  }

  /// A part beside the weights, such as the state of an optimizer, is good for nothing without its tensors.
  private mutating func leaveOutEmptyParts(_ kept: Set<ExactString>) {
    for part in dictionary.parts {
      let entries = dictionary.entries.filter { $0.name.hasPrefix(part.path + ".") }
      if entries.isEmpty || entries.contains(where: { kept.contains(ExactString($0.name)) }) {
        continue
      }
      replacements[part.slot] = .some(nil)
    }
  }

  mutating func writeAll() throws {
    if !added.isEmpty && tree.keyedItems(of: dictionary.container) == nil
      && tree.module(dictionary.container) == nil
    {
      throw PyTorchError.unsupported(
        "tensor '\(added[0].info.name)' is not in the first input, whose tensors have no names")
    }
    if let replacement = replacements[.root] {
      guard let tensor = replacement else {
        throw PyTorchError.unsupported("its only tensor is left out")
      }
      return try write(tensor, inPlaceOf: tree.root)
    }
    try write(tree.root)
  }

  // MARK: - Values

  private mutating func write(_ value: PickleValue) throws {
    switch value {
    case .none: tensors.encoder.write(.none)
    case .boolean(let value): tensors.encoder.write(value)
    case .integer(let value): tensors.encoder.write(value)
    case .float(let value): tensors.encoder.write(value)
    case .longInteger(let piece):
      guard piece.count <= 255 else {
        throw PyTorchError.unsupported("a whole number of \(piece.count) bytes cannot be written")
      }
      tensors.encoder.write(long: tree.bytes[piece.range])
    case .text:
      guard let text = tree.text(value) else {
        throw PyTorchError.unsupported("a text in it is not UTF-8")
      }
      tensors.encoder.write(text)
    case .bytes(let piece): writeBytes(piece)
    case .object(let number):
      if let known = memo[number] { return tensors.encoder.get(known) }
      depth += 1
      defer { depth -= 1 }
      guard depth <= TreeWriter.maximumDepth else {
        throw PyTorchError(.tooLarge, "its objects are in each other more than \(depth - 1) deep")
      }
      try write(tree.objects[Int(number)], number, value)
    }
  }

  /// Bytes as Python writes them in protocol 2.
  private mutating func writeBytes(_ piece: PickleValue.Piece) {
    tensors.encoder.write(global: "_codecs", "encode")
    tensors.encoder.write(
      String(String.UnicodeScalarView(tree.bytes[piece.range].map { Unicode.Scalar($0) })))
    tensors.encoder.write("latin1")
    tensors.encoder.endTuple(2)
    tensors.encoder.write(.reduce)
  }

  private mutating func write(_ object: PickleObject, _ number: Int32, _ value: PickleValue) throws
  {
    switch object.kind {
    case .call where dictionary.converted[number] != nil:
      try writeConverted(object, number, value)
    case .array: try writeArray(value)
    case .tuple: try writeTuple(object, number)
    case .list, .set: try writeList(object, number)
    case .dictionary, .defaultDictionary, .orderedDictionary, .counter:
      try writeDictionary(object, number)
    case .global:
      if let global = tree.global(value) {
        tensors.encoder.write(
          global: global.module, String(global.name.dropFirst(global.module.utf8.count + 1)))
      }
    case .call:
      let parts = Array(tree.items(of: object))
      if object.isOpaque { throw PyTorchError.wholeObject(tree.opaqueClass(value) ?? "unknown") }
      try write(parts[0])
      try write(parts[1])
      tensors.encoder.write(.reduce)
      memo[number] = tensors.encoder.put()
    case .storage: try writeStorage(value)
    case .frozenSet: throw PyTorchError.unsupported("a frozenset cannot be written")
    }
  }

  private mutating func writeTuple(_ object: PickleObject, _ number: Int32) throws {
    let items = Array(tree.items(of: object))
    if items.count > 3 { tensors.encoder.write(.mark) }
    for (position, item) in items.enumerated() {
      try writeItem(item, StateDictionary.Slot(object: number, item: Int32(position)))
    }
    tensors.encoder.endTuple(items.count)
  }

  private mutating func writeList(_ object: PickleObject, _ number: Int32) throws {
    if object.kind == .set { tensors.encoder.write(global: "builtins", "set") }
    tensors.encoder.write(.emptyList)
    if object.kind == .list { memo[number] = tensors.encoder.put() }
    let items = Array(tree.items(of: object))
    if !items.isEmpty {
      tensors.encoder.write(.mark)
      for (position, item) in items.enumerated() {
        try writeItem(item, StateDictionary.Slot(object: number, item: Int32(position)))
      }
      tensors.encoder.write(.appends)
    }
    guard object.kind == .set else { return }
    tensors.encoder.endTuple(1)
    tensors.encoder.write(.reduce)
    memo[number] = tensors.encoder.put()
  }

  /// An item of a list or tuple, whose place must stay: None for what is left out.
  private mutating func writeItem(_ item: PickleValue, _ slot: StateDictionary.Slot) throws {
    if let replacement = replacements[slot] {
      guard let tensor = replacement else { return tensors.encoder.write(.none) }
      try write(tensor, inPlaceOf: item)
    } else if isLeftOut(item) {
      tensors.encoder.write(.none)
    } else {
      try write(item)
    }
  }

  /// A module as the dictionary of its tensors; an object that was filled like a dictionary as one.
  private mutating func writeConverted(
    _ object: PickleObject, _ number: Int32, _ value: PickleValue
  ) throws {
    guard tree.module(value) != nil else { return try writeDictionary(object, number) }
    tensors.encoder.writeEmptyOrderedDictionary()
    memo[number] = tensors.encoder.put()
    tensors.encoder.write(.mark)
    for (name, slot) in dictionary.converted[number] ?? [] {
      let items = tree.keyedItems(of: .object(slot.object)) ?? []
      let item = items[items.startIndex + Int(slot.item)]
      if case .some(nil) = replacements[slot] { continue }
      tensors.encoder.write(name)
      if let tensor = replacements[slot] ?? nil {
        try write(tensor, inPlaceOf: item)
      } else {
        try write(item)
      }
    }
    try writeAdded(to: number)
    tensors.encoder.write(.setItems)
  }

  /// An array of NumPy as a tensor, which loaders for weights alone accept.
  private mutating func writeArray(_ value: PickleValue) throws {
    guard let view = file.array(value), let array = tree.array(value) else {
      throw PyTorchError.damaged("an array is missing")
    }
    let info = try TensorInfo(name: "array", dtype: view.dtype, shape: view.shape)
    try tensors.write(info, of: .carried(view.storage), strides: array.strides)
  }

  /// Writes the tensors that the file did not have, when this is the collection of the weights.
  private mutating func writeAdded(to number: Int32) throws {
    guard case .object(number) = dictionary.container else { return }
    for tensor in added {
      tensors.encoder.write(dictionary.prefix + tensor.info.name)
      try tensors.write(tensor.info, of: .new(tensor.storage))
    }
  }

  private mutating func writeDictionary(_ object: PickleObject, _ number: Int32) throws {
    switch object.kind {
    case .orderedDictionary: tensors.encoder.writeEmptyOrderedDictionary()
    case .counter:
      tensors.encoder.write(global: "collections", "Counter")
      tensors.encoder.write(.emptyTuple)
      tensors.encoder.write(.reduce)
    default: tensors.encoder.write(.emptyDictionary)
    }
    memo[number] = tensors.encoder.put()
    let items = Array(tree.keyedItems(of: .object(number)) ?? [])
    tensors.encoder.write(.mark)
    for position in stride(from: 0, to: items.count - 1, by: 2) {
      let value = items[position + 1]
      let replacement = replacements[
        StateDictionary.Slot(object: number, item: Int32(position + 1))]
      if let replacement {
        guard let tensor = replacement else { continue }
        try write(items[position])
        try write(tensor, inPlaceOf: value)
      } else if !isLeftOut(items[position]) && !isLeftOut(value) {
        try write(items[position])
        try write(value)
      }
    }
    try writeAdded(to: number)
    tensors.encoder.write(.setItems)
    guard object.kind == .orderedDictionary, let state = tree.states[number], !isLeftOut(state)
    else { return }
    try write(state)
    tensors.encoder.write(.build)
  }

  private mutating func writeStorage(_ value: PickleValue) throws {
    guard let number = file.storageNumber(of: value) else {
      throw PyTorchError.damaged("a storage is missing")
    }
    let storage = file.storages[number]
    tensors.writeStorage(
      .carried(number), type: storage.typeName, location: storage.location,
      count: storage.byteCount / storage.width)
  }

  /// Whether a value is of a class that is not understood; collections are written without such values.
  private func isLeftOut(_ value: PickleValue) -> Bool {
    guard case .object(let number) = value, tree.isOpaque(value) else { return false }
    let object = tree.objects[Int(number)]
    switch object.kind {
    case .call: return dictionary.converted[number] == nil
    case .global, .set, .frozenSet, .storage: return true
    default: return false
    }
  }

  // MARK: - Tensors

  /// Writes a tensor with what the one in its place had besides values.
  private mutating func write(_ tensor: PickledTensor, inPlaceOf value: PickleValue) throws {
    var inner = value
    var isParameter = false
    while let (callable, arguments) = tree.call(inner),
      callable.name.hasPrefix("torch._utils._rebuild_parameter"), let first = arguments.first
    {
      isParameter = true
      inner = first
    }
    if isParameter { tensors.encoder.write(global: "torch._utils", "_rebuild_parameter") }
    try tensors.write(
      tensor.info, of: .new(tensor.storage), location: location(of: inner),
      requiresGradient: requiresGradient(inner))
    guard isParameter else { return }
    tensors.encoder.write(requiresGradient(value))
    tensors.encoder.writeEmptyOrderedDictionary()
    tensors.encoder.endTuple(3)
    tensors.encoder.write(.reduce)
  }

  private func requiresGradient(_ value: PickleValue) -> Bool {
    guard let (callable, arguments) = tree.call(value) else { return false }
    let place = callable.name.hasPrefix("torch._utils._rebuild_parameter") ? 1 : 4
    guard arguments.count > place, callable.name.hasPrefix("torch._utils._rebuild_"),
      case .boolean(let answer) = arguments[arguments.startIndex + place]
    else { return false }
    return answer
  }

  private func location(of value: PickleValue) -> String {
    guard let storage = tree.call(value)?.arguments.first,
      let number = file.storageNumber(of: storage)
    else { return "cpu" }
    return file.storages[number].location
  }
}
