import CYAML

extension YAMLNode {
  /// The most nodes of a text, aliases taken out: a plan has some dozens.
  public static let maximumCount = 100_000
  /// The deepest nesting.
  public static let maximumDepth = 64

  /// Parses a text with one document.
  ///
  /// Aliases stand for the nodes that they name. Tags are refused: they have no meaning here.
  ///
  /// - Throws: `YAMLError`, also when a mapping has a key twice.
  public init(parsing bytes: [UInt8]) throws(YAMLError) {
    var bytes = bytes
    // Some editors put a byte order mark in front.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    if let error = YAMLNode.unreadable(in: bytes) { throw error }
    do {
      self = try YAMLNode(checked: bytes)
    } catch {
      let line = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        .dropFirst(error.place.line - 1).first
      let character = line.map { String(decoding: $0, as: UTF8.self).unicodeScalars }?
        .dropFirst(error.place.column - 1).first
      guard character == "\t" else { throw error }
      throw YAMLError(place: error.place, reason: "there is a tab here: YAML indents by spaces")
    }
  }

  /// The first byte that is no text.
  private static func unreadable(in bytes: [UInt8]) -> YAMLError? {
    var place = Place(line: 1, column: 1)
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .emptyInput: return nil
      case .error: return YAMLError(place: place, reason: "there is a byte here that is not UTF-8")
      case .scalarValue("\0"):
        return YAMLError(place: place, reason: "there is a zero byte here")
      case .scalarValue("\n"): place = Place(line: place.line + 1, column: 1)
      case .scalarValue: place = Place(line: place.line, column: place.column + 1)
      }
    }
  }

  private init(checked bytes: [UInt8]) throws(YAMLError) {
    var result: Result<YAMLNode, YAMLError>?
    unsafe bytes.withUnsafeBufferPointer { text in
      // A pointer is needed even for no text.
      var nothing: UInt8 = 0
      unsafe withUnsafePointer(to: &nothing) { empty in
        guard let parser = unsafe imwa_yaml_open(text.baseAddress ?? empty, text.count) else {
          return
        }
        defer { unsafe imwa_yaml_close(parser) }
        var builder = TreeBuilder { unsafe Event(imwa_yaml_next(parser)) }
        result = Result { () throws(YAMLError) in try builder.document() }
      }
    }
    guard let result else {
      throw YAMLError(place: Place(line: 1, column: 1), reason: "there is no memory to read it")
    }
    self = try result.get()
  }
}

/// An event with texts of its own.
private struct Event {
  let kind: imwa_yaml_kind
  let place: YAMLNode.Place
  let text: String
  let anchor: String?
  let isPlain: Bool

  init(_ event: imwa_yaml_event) {
    kind = unsafe event.kind
    place = unsafe YAMLNode.Place(line: Int(event.line), column: Int(event.column))
    text =
      unsafe event.text.map { start in
        unsafe start.withMemoryRebound(to: UInt8.self, capacity: event.length) { bytes in
          unsafe String(
            decoding: UnsafeBufferPointer(start: bytes, count: event.length), as: UTF8.self)
        }
      } ?? ""
    anchor = unsafe event.anchor.map { unsafe String(cString: $0) }
    isPlain = unsafe event.is_plain != 0
  }
}

/// Makes the tree.
private struct TreeBuilder {
  let next: () -> Event
  private var anchors: [String: (node: YAMLNode, count: Int)] = [:]
  private var count = 0

  init(next: @escaping () -> Event) { self.next = next }

  mutating func document() throws(YAMLError) -> YAMLNode {
    var event = next()
    if event.kind == IMWA_YAML_END {
      return YAMLNode(.scalar("", isPlain: true), at: event.place)
    }
    if event.kind == IMWA_YAML_DOCUMENT { event = next() }
    let node = try node(event, depth: 0)
    event = next()
    guard event.kind == IMWA_YAML_END else {
      throw event.kind == IMWA_YAML_FAILURE
        ? failure(event)
        : YAMLError(place: event.place, reason: "a second document starts here; one is read")
    }
    return node
  }

  private func failure(_ event: Event) -> YAMLError {
    YAMLError(place: event.place, reason: event.text)
  }

  private mutating func add(_ number: Int, at place: YAMLNode.Place) throws(YAMLError) {
    count += number
    guard count <= YAMLNode.maximumCount else {
      throw YAMLError(place: place, reason: "there are more than \(YAMLNode.maximumCount) values")
    }
  }

  private mutating func node(_ event: Event, depth: Int) throws(YAMLError) -> YAMLNode {
    guard depth < YAMLNode.maximumDepth else {
      throw YAMLError(place: event.place, reason: "the nesting is too deep")
    }
    if event.kind == IMWA_YAML_ALIAS {
      guard let (node, size) = anchors[event.text] else {
        throw YAMLError(place: event.place, reason: "no value before is named &\(event.text)")
      }
      try add(size, at: event.place)
      return YAMLNode(node.content, at: event.place)
    }
    let before = count
    try add(1, at: event.place)
    let content: YAMLNode.Content
    switch event.kind {
    case IMWA_YAML_FAILURE: throw failure(event)
    case IMWA_YAML_TAGGED:
      throw YAMLError(place: event.place, reason: "the tag '\(event.text)' has no meaning here")
    case IMWA_YAML_SCALAR: content = .scalar(event.text, isPlain: event.isPlain)
    case IMWA_YAML_SEQUENCE: content = .sequence(try sequence(depth))
    case IMWA_YAML_MAPPING: content = .mapping(try mapping(depth))
    default: throw YAMLError(place: event.place, reason: "a value is missing")
    }
    let node = YAMLNode(content, at: event.place)
    if let anchor = event.anchor { anchors[anchor] = (node, count - before) }
    return node
  }

  private mutating func sequence(_ depth: Int) throws(YAMLError) -> [YAMLNode] {
    var elements: [YAMLNode] = []
    while true {
      let event = next()
      if event.kind == IMWA_YAML_SEQUENCE_END { return elements }
      elements.append(try node(event, depth: depth + 1))
    }
  }

  private mutating func mapping(_ depth: Int) throws(YAMLError) -> [YAMLNode.Entry] {
    var entries: [YAMLNode.Entry] = []
    var keys: Set<String> = []
    while true {
      let event = next()
      if event.kind == IMWA_YAML_MAPPING_END { return entries }
      let key = try node(event, depth: depth + 1)
      guard let name = key.text else {
        throw YAMLError(place: key.place, reason: "a key must be a word, not a list or a mapping")
      }
      guard keys.insert(name).inserted else {
        throw YAMLError(place: key.place, reason: "the key '\(name)' is there for the second time")
      }
      let value = try node(next(), depth: depth + 1)
      entries.append(YAMLNode.Entry(key: name, place: key.place, value: value))
    }
  }
}
