import TensorCore
import TestSupport
import Testing

@testable import HDF5Format

@Suite struct ChunkGridTests {
  private func grid(_ shape: [Int], _ chunk: [Int]) throws -> ChunkGrid {
    try ChunkGrid(shape: Shape(shape), chunkShape: Shape(chunk))
  }

  static let grids: [[[Int]]] = [
    [[7], [3]], [[4, 4], [4, 4]], [[5, 7], [2, 3]], [[5, 7], [2, 7]], [[3, 4, 5], [2, 4, 5]],
    [[3, 4, 5], [2, 3, 5]], [[3, 4, 5], [1, 1, 1]], [[2, 2], [5, 9]],
  ]

  /// Rows, places and elements tell the same of every element, and that is what division tells.
  @Test(arguments: grids.indices)
  func allWaysToFindAnElementAgree(number: Int) throws {
    let (shape, chunk) = (ChunkGridTests.grids[number][0], ChunkGridTests.grids[number][1])
    let grid = try grid(shape, chunk)
    var found: [Int: Int] = [:]
    for number in 0..<grid.chunkCount {
      grid.forEachRow(ofChunk: number) { row in
        for index in 0..<row.count {
          let order = number * grid.chunkElementCount + row.position + index
          #expect(found.updateValue(order, forKey: row.element + index) == nil)
        }
      }
    }
    #expect(found.count == grid.shape.elementCount)
    for element in 0..<grid.shape.elementCount {
      let order = try #require(found[element])
      #expect(grid.element(atChunkOrder: order) == element)
      let place = grid.place(ofElement: element)
      #expect(place.chunk * grid.chunkElementCount + place.position == order)
      var rest = element
      var (expectedChunk, stride) = (0, 1)
      for axis in shape.indices.reversed() {
        expectedChunk += rest % shape[axis] / chunk[axis] * stride
        stride *= (shape[axis] + chunk[axis] - 1) / chunk[axis]
        rest /= shape[axis]
      }
      #expect(place.chunk == expectedChunk)
    }
    let padding = (0..<grid.chunkCount * grid.chunkElementCount).filter {
      grid.element(atChunkOrder: $0) == nil
    }
    #expect(
      padding.count == grid.chunkCount * grid.chunkElementCount - grid.shape.elementCount)
    #expect(padding.allSatisfy { grid.isPartial($0 / grid.chunkElementCount) })
  }

  @Test(arguments: [
    ([7], [3]), ([5, 4], [2, 3]), ([4, 5, 3], [2, 2, 2]), ([2, 9, 1, 4], [1, 4, 1, 3]),
  ])
  func chunksOfARangeAreAmongThoseThatAreNamed(shape: [Int], chunk: [Int]) throws {
    let grid = try grid(shape, chunk)
    for start in 0..<grid.shape.elementCount {
      for end in start + 1...grid.shape.elementCount {
        let named = grid.chunks(ofElements: start..<end)
        #expect(named.upperBound <= grid.chunkCount)
        for element in start..<end {
          #expect(named.contains(grid.place(ofElement: element).chunk))
        }
        if end == start + 1 { #expect(named.count == 1) }
      }
    }
  }

  @Test func wholeRowsOfInnerAxesAreOne() throws {
    var rows: [ChunkGrid.Row] = []
    try grid([6, 4, 5], [3, 4, 5]).forEachRow(ofChunk: 1) { rows.append($0) }
    #expect(rows == [ChunkGrid.Row(element: 60, position: 0, count: 60)])
  }

  @Test func chunksThatMakeNoSenseAreRefused() {
    for (shape, chunk) in [([4], [0]), ([4, 4], [2]), ([], [])] {
      #expect(throws: HDF5Error.self) { try grid(shape, chunk) }
    }
    // A chunk count that cannot be held in memory is fine as long as it can be counted.
    #expect(throws: Never.self) { try grid([1 << 40, 1 << 20], [1, 1]) }
  }
}
