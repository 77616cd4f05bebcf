import TensorCore

/// The layer that a tensor belongs to, by its name.
///
/// The name up to its first number inside: `model.layers.7.self_attn.q_proj.weight` is of
/// `model.layers.7`. Without one, the name without its last component: `fc1.weight` is of `fc1`,
/// `layers/dense_1/vars/0` of `layers/dense_1`.
struct LayerName {
  /// The name of the layer.
  let text: String
  /// When its last component is a number, that and what is before it.
  let numbered: (stem: String, number: Int)?

  init(ofTensor name: String) {
    let separator: Character = name.contains("/") ? "/" : "."
    var components = name.split(separator: separator, omittingEmptySubsequences: false)
    let isNumber = { (component: Substring) in
      !component.isEmpty && component.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    if components.count > 1 { components.removeLast() }
    // Keras 3 numbers the variables of a layer.
    if components.count > 1, components.last == "vars" { components.removeLast() }
    if let first = components.firstIndex(where: isNumber), first > 0 {
      components.removeSubrange((first + 1)...)
    }
    // tf.keras repeats the name of a layer.
    while components.count > 1, components.last == components[components.count - 2] {
      components.removeLast()
    }
    text = components.joined(separator: String(separator))
    if components.count > 1, let last = components.last, isNumber(last), let number = Int(last) {
      numbered = (String(text.dropLast(last.count)), number)
    } else {
      numbered = nil
    }
  }

  /// The layers of tensors in the order of depth: that of their first tensors, but numbered layers of one
  /// kind by their numbers, which files may have in another order.
  static func ordered(_ names: [LayerName]) -> [String] {
    var kinds: [ExactString] = []
    var members: [ExactString: [LayerName]] = [:]
    var seen: Set<ExactString> = []
    for name in names where seen.insert(ExactString(name.text)).inserted {
      let kind = ExactString(name.numbered.map { $0.stem + "#" } ?? name.text)
      if members[kind] == nil { kinds.append(kind) }
      members[kind, default: []].append(name)
    }
    return kinds.flatMap { kind in
      (members[kind] ?? []).enumerated().sorted {
        ($0.element.numbered?.number ?? 0, $0.offset) < (
          $1.element.numbered?.number ?? 0, $1.offset
        )
      }.map(\.element.text)
    }
  }
}
