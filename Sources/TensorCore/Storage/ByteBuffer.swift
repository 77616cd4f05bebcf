import CByteFilters

/// A block of memory of a fixed size that file reads fill and kernels work on.
///
/// It is aligned to 64 bytes, is not initialised, and belongs to one thread. Every access is checked
/// against its size, so that callers need no unsafe code.
@safe public final class ByteBuffer {
  /// The size in bytes.
  public let count: Int

  let base: UnsafeMutableRawPointer

  /// Allocates `count` bytes.
  public init(count: Int) {
    precondition(count >= 0)
    self.count = count
    unsafe base = .allocate(byteCount: max(count, 1), alignment: 64)
  }

  deinit { unsafe base.deallocate() }

  /// Calls `body` with the memory of `range`.
  ///
  /// This is the door for system calls and C kernels; the pointer must not leave `body`.
  @unsafe public func withUnsafeBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    check(range)
    return try unsafe body(
      UnsafeMutableRawBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// The bytes of `range` as an array.
  public func bytes(in range: Range<Int>) -> [UInt8] {
    check(range)
    return unsafe Array(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// Copies `range` of `source` to `position`.
  public func copy(from source: [UInt8], range: Range<Int>, to position: Int) {
    precondition(range.lowerBound >= 0 && range.upperBound <= source.count)
    check(position..<position + range.count)
    unsafe source.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      unsafe (base + position).copyMemory(from: start + range.lowerBound, byteCount: range.count)
    }
  }

  /// Copies `range` of `source`, which may be this buffer when the two do not overlap, to `position`.
  public func copy(from source: ByteBuffer, range: Range<Int>, to position: Int) {
    source.check(range)
    check(position..<position + range.count)
    unsafe (base + position).copyMemory(
      from: source.base + range.lowerBound, byteCount: range.count)
  }

  /// The first place, counted from the start of the ranges, at which `count` bytes at `first` and at
  /// `second` differ; nil when they are equal.
  public func firstDifference(at first: Int, and second: Int, count: Int) -> Int? {
    check(first..<first + count)
    check(second..<second + count)
    let left = unsafe UnsafeRawBufferPointer(start: base + first, count: count)
    let right = unsafe UnsafeRawBufferPointer(start: base + second, count: count)
    if unsafe left.hasSameBytes(as: right) { return nil }
    return left.indices.first { index in unsafe left[index] != right[index] }
  }

  /// Fills `range` with a pattern again and again, beginning with the byte of it at `start`.
  public func fill(_ range: Range<Int>, with pattern: [UInt8], from start: Int = 0) {
    check(range)
    precondition(start >= 0 && start < pattern.count)
    let target = unsafe UnsafeMutableRawBufferPointer(
      start: base + range.lowerBound, count: range.count)
    if pattern.allSatisfy({ $0 == pattern[0] }) {
      unsafe target.initializeMemory(as: UInt8.self, repeating: pattern[0])
      return
    }
    let first = min(pattern.count, target.count)
    for index in 0..<first { unsafe target[index] = pattern[(start + index) % pattern.count] }
    // What is filled is copied behind itself, twice as much each time.
    var done = first
    while done < target.count {
      let count = min(done, target.count - done)
      unsafe (base + range.lowerBound + done).copyMemory(
        from: base + range.lowerBound, byteCount: count)
      done += count
    }
  }

  /// Reverses the bytes of each element of `width` bytes in `range`.
  package func reverseElements(in range: Range<Int>, width: Int) {
    check(range)
    precondition(width > 0 && range.count % width == 0)
    unsafe imwa_reverse_elements(base + range.lowerBound, range.count, width)
  }

  /// Changes the top bit of every `step`th byte of `range`, beginning with the one at `first`.
  func toggleTopBits(in range: Range<Int>, from first: Int, step: Int) {
    check(range)
    precondition(first >= 0 && step > 0)
    let bytes = unsafe UnsafeMutableRawBufferPointer(
      start: base + range.lowerBound, count: range.count)
    for index in stride(from: first, to: range.count, by: step) { unsafe bytes[index] ^= 0x80 }
  }

  /// Copies a grid of elements of `width` bytes: extents, and the bytes from one to the next in the source and here.
  func copyElements(
    from source: ByteBuffer, at start: Int, to target: Int, width: Int,
    rows: (extent: Int, stride: Int, step: Int), columns: (extent: Int, stride: Int, step: Int)
  ) {
    precondition(rows.extent > 0 && columns.extent > 0 && width > 0)
    precondition(min(rows.stride, rows.step, columns.stride, columns.step) >= 0)
    let last = (rows.extent - 1, columns.extent - 1)
    source.check(start..<start + last.0 * rows.stride + last.1 * columns.stride + width)
    check(target..<target + last.0 * rows.step + last.1 * columns.step + width)
    for row in 0..<rows.extent {
      let from = unsafe source.base + start + row * rows.stride
      let to = unsafe base + target + row * rows.step
      switch width {
      case 1: unsafe copyRow(of: UInt8.self, from, to, columns)
      case 2: unsafe copyRow(of: UInt16.self, from, to, columns)
      case 4: unsafe copyRow(of: UInt32.self, from, to, columns)
      case 8: unsafe copyRow(of: UInt64.self, from, to, columns)
      default:
        for column in 0..<columns.extent {
          unsafe (to + column * columns.step).copyMemory(
            from: from + column * columns.stride, byteCount: width)
        }
      }
    }
  }

  @inline(__always)
  private func copyRow<Element: FixedWidthInteger & BitwiseCopyable>(
    of type: Element.Type, _ source: UnsafeMutableRawPointer, _ target: UnsafeMutableRawPointer,
    _ columns: (extent: Int, stride: Int, step: Int)
  ) {
    for column in 0..<columns.extent {
      let element = unsafe source.loadUnaligned(
        fromByteOffset: column * columns.stride, as: type)
      unsafe target.storeBytes(of: element, toByteOffset: column * columns.step, as: type)
    }
  }

  func check(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside of the buffer")
  }
}

extension UnsafeRawBufferPointer {
  /// Compares words first: a debug build would otherwise take a call per byte.
  func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    var index = 0
    while index + 8 <= count {
      let left = unsafe loadUnaligned(fromByteOffset: index, as: UInt64.self)
      let right = unsafe other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      if left != right { return false }
      index += 8
    }
    if index < count && count >= 8 {
      // The last word overlaps the one before.
      let left = unsafe loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
      return unsafe left == other.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
    }
    while index < count {
      if unsafe self[index] != other[index] { return false }
      index += 1
    }
    return true
  }
}
