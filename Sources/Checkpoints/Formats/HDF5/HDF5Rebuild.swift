import FileIO
import HDF5Format
import SystemPackage
import TensorCore

/// A new HDF5 file with the structure of the first input, or with tensors alone.
///
/// A child process writes it; the stream inflates, averages and deflates. The layout's file, whose bytes the
/// blocks are, has the tensors one after the other, chunked ones chunk after chunk.
struct HDF5Rebuild: Sendable {
  /// What becomes of a dataset in the new file.
  struct Fed: Sendable {
    /// The path in the file.
    let path: String
    /// Which tensor, counted in the map.
    let tensor: Int
    /// How its values are stored; without a source, how the dataset is made.
    let content: Content
    /// How its chunks are stored; nil when it has none.
    let chunks: ChunkPlan?
    /// The bytes of a number that are reversed.
    let reversedWidth: Int?
    /// How numbers that no dtype has are stored.
    var floats: FloatLayout?
    /// Whether the values are in the header, which takes them in one piece.
    var isCompact = false
  }

  /// Where the structure of a dataset comes from.
  enum Content: Sendable {
    /// The source, with another dtype when one is given.
    case source(as: DType?)
    case new(HDF5Builder.NewDataset)
  }

  /// How a dataset is cut and compressed.
  struct ChunkPlan: Sendable {
    let grid: ChunkGrid
    let pipeline: ChunkPipeline
    /// Whether chunks that reach over the end of the array are filtered too.
    let filtersPartialChunks: Bool
    /// One element that nobody wrote, as it is stored.
    let fillElement: [UInt8]
  }

  /// A block is at least this large, unless a chunk is larger.
  private static let blockSize = 256 << 10

  let source: HDF5File?
  let weights: WeightMap
  /// The output, for messages.
  let path: FilePath
  private(set) var fed: [Fed] = []
  private(set) var copied: [String] = []
  /// Datasets of another dtype that get no values: nobody wrote to any of the inputs.
  private(set) var unwritten: [(path: String, dtype: DType)] = []
  private(set) var dropped: [String] = []
  let texts: [(name: String, text: String?)]

  /// Plans a file with the structure of `source`.
  init(_ source: HDF5File, _ weights: WeightMap, path: FilePath) throws {
    self.source = source
    self.weights = weights
    self.path = path
    texts = weights.rootTexts(replacing: source.catalogue)
    for dataset in source.catalogue.datasets {
      guard dataset.elementSize != nil else {
        copied.append(dataset.path)
        continue
      }
      guard let position = weights.position(of: dataset.path) else { continue }
      let tensor = weights.tensors[position]
      if let layout = dataset.floats, tensor.info.dtype == .float64 {
        if !dataset.hasValues || (dataset.hasNoStorage && tensor.isConstant) {
          copied.append(dataset.path)
        } else {
          feed(dataset, try HDF5Rebuild.feed(dataset, layout, position, tensor, source))
        }
        continue
      }
      // With another dtype they are like float64.
      let encoding = dataset.encoding ?? ElementEncoding(.float64)
      if try !dataset.hasValues || dataset.staysUnwritten(as: tensor) {
        let dtype = tensor.info.dtype
        guard dtype != encoding.dtype else {
          copied.append(dataset.path)
          continue
        }
        try HDF5Rebuild.checkStorable(tensor, path)
        unwritten.append((dataset.path, dtype))
      } else {
        feed(
          dataset, try HDF5Rebuild.feed(dataset, encoding, position, tensor, source, path))
      }
    }
    let kept = Set(fed.map(\.path) + copied + unwritten.map(\.path))
    dropped = HDF5Removal(from: source.catalogue, keeping: kept).paths
    let names = Set(source.catalogue.datasets.map(\.path))
    let links = source.catalogue.linkPaths
    for (position, tensor) in weights.tensors.enumerated()
    where !names.contains(tensor.info.name) {
      try HDF5Rebuild.checkPlace(of: tensor.info.name, links, source)
      fed.append(try HDF5Rebuild.newDataset(tensor, position, compressionLevel: nil, path))
    }
  }

  private mutating func feed(_ dataset: HDF5Catalogue.Dataset, _ item: Fed) {
    var item = item
    if case .compact = dataset.storage { item.isCompact = true }
    fed.append(item)
  }

  /// Plans a file of tensors alone.
  init(_ weights: WeightMap, compressionLevel: Int?, path: FilePath) throws {
    source = nil
    self.weights = weights
    self.path = path
    texts = weights.rootTexts(replacing: nil)
    try HDF5Names.check(weights, path)
    for (position, tensor) in weights.tensors.enumerated() {
      fed.append(
        try HDF5Rebuild.newDataset(tensor, position, compressionLevel: compressionLevel, path))
    }
  }

  /// The number of bytes of all values, chunks counted whole and before they are compressed.
  private var byteCount: Int {
    fed.reduce(0) { sum, item in
      let info = weights.tensors[item.tensor].info
      let grid = item.chunks?.grid
      let count = grid.map { $0.chunkCount.multipliedReportingOverflow(by: $0.chunkElementCount) }
      let elements =
        count.map { $0.overflow ? Int.max : $0.partialValue } ?? info.shape.elementCount
      let size = elements.multipliedReportingOverflow(by: info.dtype.elementUnit)
      let total = sum.addingReportingOverflow(size.overflow ? Int.max : size.partialValue)
      return total.overflow ? Int.max : total.partialValue
    }
  }

  /// The tensors one after the other, cut between chunks.
  func layout(for request: OutputRequest) throws -> OutputLayout {
    try FreeSpace.check(
      needed: max(byteCount, source?.catalogue.fileSize ?? 0), for: request.path)
    var placements: [OutputLayout.Placement] = []
    var placed = weights.tensors
    var cuts: [Int] = []
    var offset = 0
    for item in fed {
      let tensor = weights.tensors[item.tensor]
      placements.append(
        OutputLayout.Placement(
          tensor: item.tensor, offset: offset, chunks: item.chunks?.grid,
          reversedWidth: item.reversedWidth))
      if let layout = item.floats {
        placed[item.tensor] = try tensor.rounded(to: layout)
      }
      var unit = tensor.info.dtype.elementUnit
      if let grid = item.chunks?.grid {
        placed[item.tensor] = try placed[item.tensor].ordered(by: grid)
        unit *= grid.chunkElementCount
      }
      let end = offset + placed[item.tensor].info.byteCount
      if item.isCompact { unit = max(unit, end - offset) }
      cuts.appendCuts(of: offset..<end, unit: unit, atLeast: HDF5Rebuild.blockSize)
      offset = end
    }
    return OutputLayout(
      files: [
        OutputLayout.File(
          name: source.flatMap { request.fileName(like: $0.file) }, prefix: [],
          placements: placements, size: offset, cuts: cuts)
      ], placed: placed, builder: HDF5RebuildWriter(rebuild: self, placements: placements),
      finish: { [self] staged, _ in try check(staged) })
  }

  /// A fresh child walks the result: it must be what was planned.
  private func check(_ staged: FilePath) throws {
    let result = try HDF5File(try ReadableFile(staged)).catalogue
    let written = Dictionary(uniqueKeysWithValues: result.datasets.map { ($0.path, $0) })
    var isAsPlanned = written.count == fed.count + copied.count + unwritten.count
    for item in fed {
      let info = weights.tensors[item.tensor].info
      guard let dataset = written[item.path] else { throw HDF5Structure.otherStructure(path) }
      isAsPlanned =
        isAsPlanned && dataset.floats == item.floats
        && (item.floats != nil || dataset.encoding?.dtype == info.dtype)
        && (dataset.dimensions ?? [0]) == info.shape.dimensions
        && dataset.encoding?.reversedWidth == item.reversedWidth
    }
    if let source {
      for dataset in source.catalogue.datasets {
        guard let copy = written[dataset.path] else { continue }
        isAsPlanned = isAsPlanned && dataset.hasSameForm(as: copy)
      }
      isAsPlanned = isAsPlanned && copied.allSatisfy { written[$0] != nil }
      isAsPlanned =
        isAsPlanned && unwritten.allSatisfy { written[$0.path]?.encoding?.dtype == $0.dtype }
    }
    guard isAsPlanned else { throw HDF5Structure.otherStructure(path) }
  }
}

extension HDF5Catalogue.Dataset {
  /// Whether another dataset is cut and filtered alike.
  fileprivate func hasSameForm(as other: HDF5Catalogue.Dataset) -> Bool {
    guard dimensions == other.dimensions, filters.map(\.id) == other.filters.map(\.id)
    else { return false }
    switch (storage, other.storage) {
    case (.chunked(let shape, _), .chunked(let otherShape, _)): return shape == otherShape
    case (.chunked, _), (_, .chunked): return false
    default: return true
    }
  }
}

extension String {
  /// The paths of the groups that a path leads through, without the root.
  var enclosingGroups: [String] {
    var groups: [String] = []
    for index in utf8.indices where utf8[index] == UInt8(ascii: "/") {
      groups.append(String(self[..<index]))
    }
    return groups
  }
}

extension [Int] {
  /// Adds the places where a range may be cut: between units, every so many bytes.
  ///
  /// Small ranges join the block before them.
  fileprivate mutating func appendCuts(of range: Range<Int>, unit: Int, atLeast size: Int) {
    if isEmpty { append(0) }
    let step = (size + unit - 1) / unit * unit
    var place = range.lowerBound
    while place < range.upperBound {
      if place - self[count - 1] >= size || (place > self[count - 1] && unit > size) {
        append(place)
      }
      // The first step only fills the block that is begun.
      let begun = place - self[count - 1]
      place += begun == 0 ? step : Swift.max(unit, (size - begun + unit - 1) / unit * unit)
    }
  }
}
