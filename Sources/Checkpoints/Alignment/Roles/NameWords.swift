import TensorCore

/// What the words in one tensor's name say of it.
struct NameWords {
  /// What the components but the last say; the most telling.
  private(set) var place: RoleVocabulary.Place?
  /// What the last component says.
  private(set) var leaf: RoleVocabulary.Leaf?
  /// The bytes before the last component, with the separator.
  private(set) var parentLength = 0
  /// The number of a variable of Keras 3 in a group `vars` of a layer named after batch normalisation.
  private(set) var batchNormVariable: Int?

  /// What TensorFlow 2 puts after the names of variables in its checkpoints.
  private static let objectSuffix = Array("/.ATTRIBUTES/VARIABLE_VALUE".utf8)
  private static let variables = Array("vars".utf8)
  private static let batchNormalization = Array("batch_normalization".utf8)
  private static let optimizer = Array("optimizer".utf8)
  private static let optimizerEnds = ["optimizer", "optimizers", "_optim"].map { Array($0.utf8) }
  /// More variables than a layer has, and a bound for the numbers in hostile names.
  private static let maximumVariableCount = 16

  init(_ text: String) {
    let name = text.utf8.span
    let end = NameWords.significantLength(name)
    var start = 0
    var before: Range<Int>?
    var beforeThat: Range<Int>?
    for position in 0..<end where NameWords.isSeparator(name[position]) {
      let component = start..<position
      notePlace(name, component, isRoot: before == nil)
      (beforeThat, before) = (before, component)
      start = position + 1
    }
    parentLength = start
    noteLeaf(name, start..<end)
    if let before, let beforeThat { noteVariable(name, start..<end, before, beforeThat) }
  }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\")
  }

  /// The length of the name without what TensorFlow adds: the number of an output, the attribute of an object.
  private static func significantLength(_ name: Span<UInt8>) -> Int {
    var end = name.count
    if name.ends(with: objectSuffix, before: end) { end -= objectSuffix.count }
    if name.ends(with: [0x3A, 0x30], before: end) { end -= 2 }
    return end
  }

  private mutating func notePlace(_ name: Span<UInt8>, _ range: Range<Int>, isRoot: Bool) {
    guard place != .optimizer, !range.isEmpty else { return }
    if NameWords.isOptimizer(name, range) {
      place = .optimizer
    } else if let found = RoleVocabulary.places.meaning(of: name, in: range)
      ?? (isRoot ? RoleVocabulary.roots.meaning(of: name, in: range) : nil)
    {
      if place == nil || found == .optimizer { place = found }
    }
  }

  /// `optimizer`, `optimizers`, and what begins or ends so: `d_optimizer`, `optimizerG`, `optimizer:main`.
  private static func isOptimizer(_ name: Span<UInt8>, _ range: Range<Int>) -> Bool {
    if range.count >= optimizer.count, name.matches(optimizer, at: range.lowerBound) {
      let rest = range.dropFirst(optimizer.count)
      // A capital or what is not a letter ends the word: `optimizerG`, but not `optimizerless`.
      guard let next = rest.first else { return true }
      let byte = name[next]
      return !(0x61...0x7A).contains(byte) || rest.count == 1
    }
    return optimizerEnds.contains { end in
      range.count >= end.count && name.matches(end, at: range.upperBound - end.count)
    }
  }

  private mutating func noteLeaf(_ name: Span<UInt8>, _ range: Range<Int>) {
    leaf = RoleVocabulary.leaves.meaning(of: name, in: range)
    if leaf == nil, RoleVocabulary.places.meaning(of: name, in: range) == .progress {
      leaf = .role(.progress)
    }
    guard leaf == nil, let last = range.last else { return }
    switch name[last] {
    case UInt8(ascii: "n"), UInt8(ascii: "d"), UInt8(ascii: "r"), UInt8(ascii: "e"):
      for (end, role) in RoleVocabulary.leafEnds
      where range.count > end.count && name.ends(with: end, before: range.upperBound) {
        leaf = .role(role)
      }
    default: break
    }
  }

  /// `layers/batch_normalization_1/vars/2`
  private mutating func noteVariable(
    _ name: Span<UInt8>, _ leaf: Range<Int>, _ group: Range<Int>, _ layer: Range<Int>
  ) {
    guard let number = name.number(in: leaf), number < NameWords.maximumVariableCount,
      group.count == NameWords.variables.count,
      name.matches(NameWords.variables, at: group.lowerBound),
      layer.count >= NameWords.batchNormalization.count,
      name.matches(NameWords.batchNormalization, at: layer.lowerBound)
    else { return }
    batchNormVariable = number
  }
}

extension Span where Element == UInt8 {
  /// Whether lower-case `word` stands at `position`, in letters of any case.
  fileprivate func matches(_ word: [UInt8], at position: Int) -> Bool {
    guard position >= 0, count - position >= word.count else { return false }
    for index in word.indices where self[position + index].lowercased != word[index] {
      return false
    }
    return true
  }

  /// Whether the bytes before `end` are `word`.
  fileprivate func ends(with word: [UInt8], before end: Int) -> Bool {
    guard end > word.count else { return false }
    var index = word.count
    while index > 0 {
      index -= 1
      if self[end - word.count + index] != word[index] { return false }
    }
    return true
  }

  /// The number that a few digits make; nil for other bytes.
  fileprivate func number(in range: Range<Int>) -> Int? {
    guard !range.isEmpty, range.count <= 4 else { return nil }
    var number = 0
    for index in range {
      guard (0x30...0x39).contains(self[index]) else { return nil }
      number = number * 10 + Int(self[index] - 0x30)
    }
    return number
  }
}
