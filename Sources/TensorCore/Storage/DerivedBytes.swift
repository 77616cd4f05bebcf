/// Elements of another source with their bytes reversed: big-endian numbers as little-endian ones.
///
/// Reads must start and end between elements.
public final class ReversedBytes: ByteSource {
  private let source: any ByteSource
  private let width: Int

  /// What to call it in messages: the other source's name.
  public var label: String { source.label }

  /// Reverses every `width` bytes of a source.
  public init(_ source: any ByteSource, width: Int) {
    self.source = source
    self.width = width
  }

  /// Reads and reverses.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    try source.read(at: offset, count: count, into: buffer, at: position)
    buffer.reverseElements(in: position..<position + count, width: width)
  }

  /// Checks the other source.
  public func checkUnchanged() throws { try source.checkUnchanged() }
}

/// One element again and again: an array that nobody wrote to.
public final class RepeatedBytes: ByteSource {
  private let element: [UInt8]

  /// What to call it in messages.
  public let label: String

  /// Repeats an element of at least one byte.
  public init(_ element: [UInt8], label: String) {
    precondition(!element.isEmpty)
    self.element = element
    self.label = label
  }

  /// Whether the element is zero.
  public var isZero: Bool { element.allSatisfy { $0 == 0 } }

  /// Fills the buffer with elements.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    buffer.fill(position..<position + count, with: element, from: offset % element.count)
  }
}

/// A part of another source: a file that is inside of another.
public final class PartialBytes: ByteSource {
  private let source: any ByteSource
  private let start: Int

  /// What to call it in messages: the other source's name.
  public var label: String { source.label }

  /// The bytes of a source from `start` on.
  public init(_ source: any ByteSource, from start: Int) {
    self.source = source
    self.start = start
  }

  /// Reads from the other source.
  public func read(at offset: Int, count: Int, into buffer: ByteBuffer, at position: Int) throws {
    try source.read(at: start + offset, count: count, into: buffer, at: position)
  }

  /// Checks the other source.
  public func checkUnchanged() throws { try source.checkUnchanged() }
}
