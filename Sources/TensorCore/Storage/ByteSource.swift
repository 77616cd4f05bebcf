/// Bytes that can be read at any place: an open file, a block of memory, a decompressor.
///
/// Reads from several threads at once must be safe.
public protocol ByteSource: AnyObject, Sendable {
  /// What to call it in messages: the path of a file.
  var label: String { get }

  /// Fills `count` bytes of `buffer` from `position` on with the bytes from `offset` on.
  ///
  /// - Throws: when fewer bytes are there, or reading fails; the error names the source.
  func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws

  /// Checks that the bytes are still those that were there when the source was made.
  ///
  /// - Throws: when they were changed, with what changed them when that is known.
  func checkUnchanged() throws
}

extension ByteSource {
  /// What is in memory does not change.
  public func checkUnchanged() throws {}
}

/// Some bytes of a source, and where they are put in a buffer.
package struct SourcePart: Sendable {
  /// The first byte in the source.
  package let offset: Int
  /// How many bytes.
  package var count: Int
  /// The first byte in the buffer.
  package let position: Int

  /// Describes bytes to be read.
  package init(offset: Int, count: Int, position: Int) {
    self.offset = offset
    self.count = count
    self.position = position
  }
}

extension ByteSource {
  /// Reads parts one after the other.
  ///
  /// Threads that call a shared source for every part would wait for each other's reference counts.
  package func read(_ parts: [SourcePart], into buffer: ByteBuffer) throws {
    for index in parts.indices {
      try read(
        at: parts[index].offset, count: parts[index].count, into: buffer,
        at: parts[index].position)
    }
  }
}

/// Bytes in memory.
public final class MemoryBytes: ByteSource {
  /// What to call it in messages.
  public var label: String { "memory" }

  private let bytes: [UInt8]
  private let reversedWidth: Int?

  /// Holds `bytes` as they are.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    self.reversedWidth = nil
  }

  /// Holds elements that are `encoded`; they are read in little-endian order.
  ///
  /// Reads must start and end between elements.
  public init(_ bytes: [UInt8], encoding: ElementEncoding) {
    self.bytes = bytes
    self.reversedWidth = encoding.reversedWidth
  }

  /// Fills the buffer; reads past the end are a programming error.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    buffer.copy(from: bytes, range: offset..<offset + count, to: position)
    if let reversedWidth {
      buffer.reverseElements(in: position..<position + count, width: reversedWidth)
    }
  }
}
