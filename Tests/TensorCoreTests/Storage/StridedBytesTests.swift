import TestSupport
import Testing

@testable import TensorCore

@Suite struct StridedBytesTests {
  /// The elements in C order, one by one.
  private func gathered(_ source: [UInt8], _ extents: [Int], _ strides: [Int], width: Int)
    -> [UInt8]
  {
    var offsets = [0]
    for (extent, stride) in zip(extents, strides) {
      offsets = offsets.flatMap { offset in (0..<extent).map { offset + $0 * stride } }
    }
    return offsets.flatMap { source[$0 * width..<($0 + 1) * width] }
  }

  @Test(arguments: [
    ([3, 4], [1, 3]), ([3, 4], [4, 1]), ([2, 3, 4], [1, 8, 2]), ([5], [3]), ([2, 3], [0, 1]),
    ([4, 5], [0, 0]), ([1, 4, 1], [9, 2, 7]), ([], []), ([3, 1000], [1000, 1]),
    ([300, 500], [1, 300]), ([2, 2, 2, 2], [1, 2, 4, 8]), ([7, 3, 2], [6, 1, 3]),
  ])
  func elementsComeInCOrder(extents: [Int], strides: [Int]) throws {
    let shape = try Shape(extents)
    let layout = try #require(StridedLayout(shape, strides: strides))
    for width in [1, 4, 16] {
      let bytes = (0..<layout.span * width).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      let expected = gathered(bytes, extents, strides, width: width)
      let source = StridedBytes(MemoryBytes(bytes), offset: 0, width: width, layout: layout)
      let buffer = ByteBuffer(count: expected.count)
      try source.read(at: 0, count: expected.count, into: buffer, at: 0)
      #expect(buffer.bytes(in: 0..<expected.count) == expected)
      // Any part of it.
      var generator = SplitMix(seed: UInt64(width))
      for _ in 0..<20 {
        let count = expected.count / width
        let first = Int.random(in: 0..<count, using: &generator)
        let end = Int.random(in: first...count, using: &generator)
        let part = first * width..<end * width
        try source.read(at: part.lowerBound, count: part.count, into: buffer, at: 0)
        #expect(buffer.bytes(in: 0..<part.count) == Array(expected[part]))
      }
    }
  }

  @Test func contiguousLayoutsAreRecognised() throws {
    let shape = try Shape([2, 1, 3])
    #expect(StridedLayout(shape, strides: [3, 99, 1])?.isContiguous == true)
    #expect(StridedLayout(shape, strides: [1, 1, 2])?.isContiguous == false)
    #expect(StridedLayout(try Shape([]), strides: [])?.isContiguous == true)
    #expect(StridedLayout(try Shape([0, 3]), strides: [9, 9])?.isContiguous == true)
    #expect(StridedLayout.contiguousStrides(of: [2, 0, 3]) == [3, 3, 1])
  }

  @Test(arguments: [[-1, 1], [1], [Int.max, 1], [Int.max / 2, Int.max / 2]])
  func impossibleStridesAreNone(strides: [Int]) throws {
    #expect(StridedLayout(try Shape([3, 3]), strides: strides) == nil)
  }

  @Test func signsChange() throws {
    let numbers: [Float] = [1, 2, -3, 4]
    let bytes = numbers.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    let info = try TensorInfo(name: "x", dtype: .float32, shape: Shape([4]))
    for (onlyEverySecond, expected) in [(false, [-1.0, -2, 3, -4]), (true, [1.0, -2, -3, -4])] {
      let source = NegatedBytes(MemoryBytes(bytes), width: 4, onlyEverySecond: onlyEverySecond)
      #expect(try Tensor(info, storage: .bytes(source, offset: 0)).values() == expected)
    }
  }
}
