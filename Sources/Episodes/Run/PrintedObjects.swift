import JSONText

/// JSON objects in what a program printed: a line each, or after what a progress bar left on its line.
enum PrintedObjects {
  /// How many braces of a line are tried: a line of noise must not take long.
  private static let maximumTries = 64

  /// The pieces of an output that a terminal would show on lines of their own, or one over the other: progress
  /// bars go back with a carriage return.
  static func pieces(of output: [UInt8]) -> [ArraySlice<UInt8>] {
    output.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
  }

  /// The last object of a piece; nil when it has none.
  static func last(in piece: ArraySlice<UInt8>) -> JSONValue? {
    guard let end = piece.lastIndex(of: UInt8(ascii: "}")) else { return nil }
    var start = end
    // From the right: what stands in an object is followed by a brace too many, and is not taken for one.
    for _ in 0..<maximumTries {
      guard let open = piece[..<start].lastIndex(of: UInt8(ascii: "{")) else { return nil }
      if let json = try? JSONValue(parsing: Array(piece[open...end]), acceptsPythonNumbers: true),
        case .object = json
      {
        return json
      }
      start = open
    }
    return nil
  }
}
