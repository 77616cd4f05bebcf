/// A value of a pickle; what is larger than a number is in the tree.
enum PickleValue: Sendable {
  /// A part of the pickle's bytes.
  struct Piece: Sendable, Hashable {
    let offset: UInt32
    let count: UInt32

    init(_ range: Range<Int>) {
      offset = UInt32(range.lowerBound)
      count = UInt32(range.count)
    }

    var range: Range<Int> { Int(offset)..<Int(offset) + Int(count) }
  }

  case none
  case boolean(Bool)
  case integer(Int)
  /// A number of more than 64 bits, in two's complement, the lowest byte first.
  case longInteger(Piece)
  case float(Double)
  /// Text in UTF-8, which is not checked yet.
  case text(Piece)
  case bytes(Piece)
  /// An object by its number in the tree.
  case object(Int32)
}

/// What an object of a pickle is.
struct PickleObject: Sendable {
  enum Kind: UInt8, Sendable {
    case tuple
    case list
    case set
    case frozenSet
    case dictionary
    case orderedDictionary
    case counter
    /// A dictionary whose missing values are made; like a plain one in what it holds.
    case defaultDictionary
    /// A name of a class or a function.
    case global
    /// What a class or function would make of arguments: nothing is ever called.
    case call
    /// An array of NumPy whose elements are numbers; its items are the parts that tell it.
    case array
    /// The bytes of tensors: the persistent reference to them.
    case storage
  }

  let kind: Kind
  /// Whether it, or something that it is made of, is of a class that is not understood.
  var isOpaque = false
  /// Whether it is, or holds, what runs code when it is called.
  var isExecutable = false
  /// Where it is: its first item; the number of its list; the number of its name.
  let place: Int32
  /// The number of items that are in the tree's one array.
  let count: Int32

  init(_ kind: Kind, place: Int, count: Int = 0) {
    self.kind = kind
    self.place = Int32(place)
    self.count = Int32(count)
  }

  var isDictionary: Bool {
    switch kind {
    case .dictionary, .orderedDictionary, .counter, .defaultDictionary: true
    default: false
    }
  }

  /// Whether it can hold tensors under names.
  var isCollection: Bool { isDictionary || kind == .list || kind == .tuple }

  /// Whether items can be added to it.
  var isMutable: Bool { isDictionary || kind == .list || kind == .set }
}
