import TensorCore

/// What a checkpoint holds beside the tensors of a state dictionary, as text that can be compared.
package struct OtherValues {
  /// A part of the file and what it is, as text; nil when it is too much to tell.
  package struct Part {
    /// The dotted path from the root.
    package let path: String
    /// Equal texts are equal values.
    package let text: String?
  }

  /// The parts in the order of the file.
  package private(set) var parts: [Part] = []

  private let file: PyTorchFile
  private let slots: Set<StateDictionary.Slot>
  private let tensorText: (TensorView) throws -> String
  private let includes: (String) -> Bool
  /// Whether objects hold tensors of the dictionary, at any depth.
  private var holders: [Int32: Bool] = [:]

  /// A part with more text than this is not told.
  private static let maximumSize = 4 << 20
  private static let maximumDepth = 100

  /// Collects what is not among the entries of a dictionary.
  ///
  /// - Parameters:
  ///   - includes: whether the part with a path is told.
  ///   - tensorText: what to say of the values of a tensor: a digest.
  /// - Throws: what `tensorText` throws, `PyTorchError` for a tensor that makes no sense.
  package init(
    in file: PyTorchFile, beside dictionary: StateDictionary,
    includes: @escaping (String) -> Bool = { _ in true },
    tensorText: @escaping (TensorView) throws -> String
  ) throws {
    self.file = file
    self.tensorText = tensorText
    self.includes = includes
    slots = Set(dictionary.entries.map(\.slot))
    try collect(file.tree.root, path: "", depth: 0)
  }

  private mutating func collect(_ value: PickleValue, path: String, depth: Int) throws {
    guard depth < OtherValues.maximumDepth, case .object(let number) = value, holds(value, 0),
      let object = file.tree.object(value), object.isCollection
    else {
      guard includes(path) else { return }
      var text: String? = ""
      try append(value, to: &text, depth: depth)
      parts.append(Part(path: path, text: text))
      return
    }
    let items = Array(file.tree.items(of: object))
    let step = object.isDictionary ? 2 : 1
    for position in stride(from: 0, to: items.count - step + 1, by: step) {
      let item = position + step - 1
      if slots.contains(StateDictionary.Slot(object: number, item: Int32(item))) { continue }
      let key = step == 2 ? file.tree.key(items[position]) ?? "?" : String(position)
      try collect(items[item], path: path.isEmpty ? key : path + "." + key, depth: depth + 1)
    }
  }

  /// Whether tensors of the dictionary are in a value, at any depth.
  private mutating func holds(_ value: PickleValue, _ depth: Int) -> Bool {
    guard depth < OtherValues.maximumDepth, case .object(let number) = value,
      let object = file.tree.object(value), object.isCollection
    else { return false }
    if let known = holders[number] { return known }
    holders[number] = false
    let items = Array(file.tree.items(of: object))
    let found = items.indices.contains { item in
      slots.contains(StateDictionary.Slot(object: number, item: Int32(item)))
        || holds(items[item], depth + 1)
    }
    holders[number] = found
    return found
  }

  private func append(_ value: PickleValue, to text: inout String?, depth: Int) throws {
    guard let size = text?.utf8.count, size < OtherValues.maximumSize,
      depth < OtherValues.maximumDepth
    else {
      text = nil
      return
    }
    switch value {
    case .none: text?.append("None")
    case .boolean(let value): text?.append(value ? "True" : "False")
    case .integer(let value): text?.append(String(value))
    case .float(let value): text?.append(String(value))
    case .longInteger(let piece), .bytes(let piece):
      text?.append(
        file.tree.bytes[piece.range].map { String($0, radix: 16) }.joined(separator: "."))
    case .text(let piece):
      text?.append("'" + String(decoding: file.tree.bytes[piece.range], as: UTF8.self) + "'")
    case .object(let number): try append(object: number, value, to: &text, depth: depth)
    }
  }

  private func append(
    object number: Int32, _ value: PickleValue, to text: inout String?, depth: Int
  ) throws {
    guard let object = file.tree.object(value) else { return }
    if object.kind == .global {
      text?.append(file.tree.global(value)?.name ?? "?")
      return
    }
    if object.kind == .call, case .view(let view)? = try? file.tensor(value) {
      text?.append(try tensorText(view))
      return
    }
    let isCall = object.kind == .call
    text?.append(object.isDictionary ? "{" : isCall ? "<" : "[")
    for (position, item) in file.tree.items(of: object).enumerated() {
      if position > 0 {
        text?.append(object.isDictionary && position % 2 == 1 ? ": " : ", ")
      }
      try append(item, to: &text, depth: depth + 1)
    }
    if let state = file.tree.states[number] {
      text?.append(" with ")
      try append(state, to: &text, depth: depth + 1)
    }
    text?.append(object.isDictionary ? "}" : isCall ? ">" : "]")
  }
}
