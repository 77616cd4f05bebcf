import CTrainingKernels

/// Float32 values that the loops of training work on: aligned to 64 bytes, zero at first, of one thread.
///
/// The size is rounded up to whole vectors. Every access is checked, so that callers need no unsafe code.
@safe final class FloatBuffer {
  /// How many floats the loops take at once.
  static let laneCount = Int(IMWA_LANE_COUNT)

  /// The number of values, a multiple of `laneCount`.
  let count: Int

  let base: UnsafeMutablePointer<Float>

  /// Allocates at least `count` zeros.
  init(count: Int) {
    self.count = FloatBuffer.padded(max(count, 1))
    let memory = UnsafeMutableRawPointer.allocate(byteCount: self.count * 4, alignment: 64)
    unsafe base = memory.bindMemory(to: Float.self, capacity: self.count)
    unsafe base.initialize(repeating: 0, count: self.count)
  }

  /// Copies another buffer.
  convenience init(copying other: FloatBuffer) {
    self.init(count: other.count)
    copy(from: other, range: 0..<count, to: 0)
  }

  deinit { unsafe base.deallocate() }

  /// The next multiple of `laneCount`.
  static func padded(_ count: Int) -> Int { (count + laneCount - 1) / laneCount * laneCount }

  /// One value.
  subscript(index: Int) -> Float {
    get {
      check(index..<index + 1)
      return unsafe base[index]
    }
    set {
      check(index..<index + 1)
      unsafe base[index] = newValue
    }
  }

  /// Copies `range` of another buffer to `position`.
  func copy(from source: FloatBuffer, range: Range<Int>, to position: Int) {
    source.check(range)
    check(position..<position + range.count)
    unsafe (base + position).update(from: source.base + range.lowerBound, count: range.count)
  }

  /// Copies values to `position`.
  func copy(from values: [Float], to position: Int) {
    check(position..<position + values.count)
    unsafe values.withUnsafeBufferPointer { source in
      guard let start = source.baseAddress else { return }
      unsafe (base + position).update(from: start, count: source.count)
    }
  }

  /// Copies little-endian float32 values to `position`.
  func copy(fromBytes bytes: [UInt8], to position: Int) {
    precondition(bytes.count % 4 == 0)
    check(position..<position + bytes.count / 4)
    unsafe bytes.withUnsafeBytes { source in
      unsafe UnsafeMutableRawBufferPointer(start: base + position, count: bytes.count)
        .copyMemory(from: source)
    }
  }

  /// The values of `range`.
  func values(in range: Range<Int>) -> [Float] {
    check(range)
    return unsafe Array(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// The values of `range` as little-endian bytes.
  func bytes(in range: Range<Int>) -> [UInt8] {
    check(range)
    return unsafe Array(
      UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count * 4))
  }

  /// Sets all values.
  func fill(with value: Float) { unsafe base.update(repeating: value, count: count) }

  /// Multiplies the values of `range`.
  func scale(_ range: Range<Int>, by factor: Float) {
    check(range)
    for index in range { unsafe base[index] *= factor }
  }

  /// The memory from `range` on.
  @unsafe func pointer(to range: Range<Int>) -> UnsafeMutablePointer<Float> {
    check(range)
    return unsafe base + range.lowerBound
  }

  private func check(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside of the buffer")
  }
}
