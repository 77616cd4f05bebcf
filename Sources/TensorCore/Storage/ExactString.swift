/// A string that equals another only when their bytes are the same: the key for names in files.
///
/// Swift's strings compare by canonical equivalence: two spellings of "é" would be one name, but a
/// checkpoint may have both.
public struct ExactString: Sendable {
  /// The text.
  public let text: String

  /// Takes a text as it is.
  public init(_ text: String) { self.text = text }
}

extension ExactString: Hashable {
  /// Whether the bytes are the same.
  public static func == (left: ExactString, right: ExactString) -> Bool {
    let result = unsafe left.text.utf8.withContiguousStorageIfAvailable { left in
      unsafe right.text.utf8.withContiguousStorageIfAvailable { right in
        unsafe UnsafeRawBufferPointer(left).hasSameBytes(as: UnsafeRawBufferPointer(right))
      }
    }
    return (result ?? nil) ?? left.text.utf8.elementsEqual(right.text.utf8)
  }

  /// Hashes the bytes.
  public func hash(into hasher: inout Hasher) {
    let isHashed: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
      unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
    }
    if isHashed == nil { for byte in text.utf8 { hasher.combine(byte) } }
  }
}

extension ExactString: Comparable {
  /// Orders by bytes, which is the order of the code points.
  public static func < (left: ExactString, right: ExactString) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}

extension ExactString: CustomStringConvertible {
  /// The text.
  public var description: String { text }
}

extension ExactString: ExpressibleByStringLiteral {
  /// Takes a literal.
  public init(stringLiteral value: String) { self.init(value) }
}
