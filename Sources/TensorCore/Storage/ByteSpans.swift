extension Span where Element == UInt8 {
  /// Whether `expected` stands at `position`.
  package func holds(_ expected: Span<UInt8>, at position: Int) -> Bool {
    guard position >= 0, count - position >= expected.count else { return false }
    return unsafe withUnsafeBytes { bytes in
      unsafe expected.withUnsafeBytes { expected in
        unsafe UnsafeRawBufferPointer(rebasing: bytes[position..<position + expected.count])
          .hasSameBytes(as: expected)
      }
    }
  }

  /// The first place from `position` on of a quote, a backslash or a control character, which text in JSON
  /// cannot hold as they are; the number of bytes when there is none.
  package func endOfPlainText(from position: Int) -> Int {
    precondition(position >= 0 && position <= count)
    return unsafe withUnsafeBytes { bytes in
      var index = position
      while index + 8 <= bytes.count {
        let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        if !word.isPlainText { break }
        index += 8
      }
      while index < bytes.count {
        let byte = unsafe bytes[index]
        if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
        index += 1
      }
      return index
    }
  }
}

extension UInt64 {
  /// Whether none of the eight bytes is a quote, a backslash or a control character.
  fileprivate var isPlainText: Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    let quotes = self ^ (ones &* 0x22)
    let backslashes = self ^ (ones &* 0x5C)
    // The top bit of a byte of a difference is set where the byte is less than what is taken away, or
    // where a lower byte is: that some byte is found is exact, which one is not.
    let found =
      ((self &- ones &* 0x20) & ~self) | ((quotes &- ones) & ~quotes)
      | ((backslashes &- ones) & ~backslashes)
    return found & tops == 0
  }
}

extension OutputSpan where Element == UInt8 {
  /// Appends bytes.
  package mutating func append(contentsOf bytes: Span<UInt8>) {
    precondition(bytes.count <= freeCapacity)
    unsafe withUnsafeMutableBufferPointer { memory, count in
      unsafe bytes.withUnsafeBufferPointer { bytes in
        guard let start = bytes.baseAddress, let target = memory.baseAddress else {
          return
        }
        unsafe (target + count).initialize(from: start, count: bytes.count)
        count += bytes.count
      }
    }
  }
}

extension String {
  /// The last byte of the text; nil when it is empty.
  package var lastByte: UInt8? {
    let bytes = utf8.span
    return bytes.isEmpty ? nil : bytes[bytes.count - 1]
  }
}

extension Tensor {
  /// Whether the bytes of the names are the same.
  package func isNamed(like other: Tensor) -> Bool {
    let name = info.name.utf8.span
    let otherName = other.info.name.utf8.span
    return name.count == otherName.count && name.holds(otherName, at: 0)
  }
}
