import Synchronization

/// Finds tensors by their names, compared byte by byte.
///
/// An open hash table of positions: a quarter of the memory of a dictionary of strings. The hash is seeded
/// in every process, so that no file can be made to collide.
struct NameIndex: Sendable {
  private static let empty: Int32 = -1

  private var slots: [Int32]

  /// Indexes tensors.
  ///
  /// - Throws: `TensorError` with the code `duplicateName`.
  init(_ tensors: [Tensor]) throws(TensorError) {
    var capacity = 16
    while capacity < tensors.count * 2 { capacity *= 2 }
    slots = Array(repeating: NameIndex.empty, count: capacity)
    for position in tensors.indices {
      let slot = slot(of: tensors[position].info.name, in: tensors)
      guard slots[slot] == NameIndex.empty else {
        throw .duplicateName(tensors[position].info.name)
      }
      slots[slot] = Int32(position)
    }
  }

  /// The position of the tensor of this name among the tensors that were indexed.
  func position(of name: String, in tensors: [Tensor]) -> Int? {
    let position = slots[slot(of: name, in: tensors)]
    return position == NameIndex.empty ? nil : Int(position)
  }

  /// The slot that holds the name, or the empty one where it would go.
  private func slot(of name: String, in tensors: [Tensor]) -> Int {
    let name = ExactString(name)
    let mask = slots.count - 1
    var slot = name.hashValue & mask
    while slots[slot] != NameIndex.empty {
      if ExactString(tensors[Int(slots[slot])].info.name) == name { return slot }
      slot = (slot + 1) & mask
    }
    return slot
  }
}

/// An index that is made when it is first needed: results of merges are seldom asked for names.
final class LazyNameIndex: Sendable {
  private let made: NameIndex?
  private let madeLater = Mutex<NameIndex?>(nil)

  /// Holds an index, or makes it later.
  init(made: NameIndex?) { self.made = made }

  func position(of name: String, in tensors: [Tensor]) -> Int? {
    if let made { return made.position(of: name, in: tensors) }
    let index = madeLater.withLock { index in
      if index == nil { index = try? NameIndex(tensors) }
      return index
    }
    return index?.position(of: name, in: tensors)
  }
}
