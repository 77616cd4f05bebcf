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

  /// Smaller tensors do not get smaller by compression: a chunk has an index.
  private static let smallestCompressed = 2048
  /// A block is at least this large, unless a chunk is larger.
  private static let blockSize = 256 << 10

  /// So many chunks are no attack, whatever the size of the file.
  private static let mostChunks = 2_000_000

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
      guard let encoding = dataset.encoding else {
        copied.append(dataset.path)
        continue
      }
      guard let position = weights.position(of: dataset.path) else { continue }
      let tensor = weights.tensors[position]
      if try !dataset.hasValues || dataset.staysUnwritten(as: tensor) {
        let dtype = tensor.info.dtype
        guard dtype != encoding.dtype else {
          copied.append(dataset.path)
          continue
        }
        try HDF5Rebuild.checkStorable(tensor, path)
        unwritten.append((dataset.path, dtype))
      } else {
        fed.append(
          try HDF5Rebuild.feed(dataset, encoding, position, tensor, source, path))
      }
    }
    dropped = droppedPaths(of: source.catalogue)
    let names = Set(source.catalogue.datasets.map(\.path))
    for (position, tensor) in weights.tensors.enumerated()
    where !names.contains(tensor.info.name) {
      fed.append(try HDF5Rebuild.newDataset(tensor, position, compressionLevel: nil, path))
    }
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

  private static func feed(
    _ dataset: HDF5Catalogue.Dataset, _ encoding: ElementEncoding, _ position: Int,
    _ tensor: Tensor, _ source: HDF5File, _ path: FilePath
  ) throws -> Fed {
    let isRetyped = tensor.info.dtype != encoding.dtype
    if isRetyped { try checkStorable(tensor, path) }
    var chunks: ChunkPlan?
    if case .chunked(let chunkShape, _) = dataset.storage {
      do {
        let grid = try ChunkGrid(shape: tensor.info.shape, chunkShape: Shape(chunkShape))
        try checkCount(of: grid, dataset, source)
        let pipeline = try ChunkPipeline(of: dataset)
        // After a change of dtype only zero is sure to be the same.
        let fill =
          isRetyped
          ? [UInt8](repeating: 0, count: tensor.info.dtype.elementUnit)
          : dataset.fillElement(encoding)
        chunks = ChunkPlan(
          grid: grid, pipeline: pipeline.retyped(elementSize: tensor.info.dtype.elementUnit),
          filtersPartialChunks: dataset.filtersPartialChunks, fillElement: fill)
      } catch let error as HDF5Error {
        throw CheckpointError(source.path, error)
      }
    }
    return Fed(
      path: dataset.path, tensor: position,
      content: .source(as: isRetyped ? tensor.info.dtype : nil), chunks: chunks,
      reversedWidth: isRetyped ? nil : encoding.reversedWidth)
  }

  /// What nobody wrote has any number of chunks; with values, each of them takes time.
  private static func checkCount(
    of grid: ChunkGrid, _ dataset: HDF5Catalogue.Dataset, _ source: HDF5File
  ) throws {
    guard grid.chunkCount > mostChunks, grid.chunkCount > source.catalogue.fileSize else { return }
    throw CheckpointError(
      .badInput, source.path,
      "dataset '\(dataset.path)' has \(grid.chunkCount) chunks of \(grid.chunkShape), far more than "
        + "are stored",
      hint: "most of it was never written, or the file is damaged")
  }

  private static func newDataset(
    _ tensor: Tensor, _ position: Int, compressionLevel: Int?, _ path: FilePath
  ) throws -> Fed {
    try checkStorable(tensor, path)
    let info = tensor.info
    var dataset = HDF5Builder.NewDataset(shape: info.shape.dimensions, dtype: info.dtype)
    var chunks: ChunkPlan?
    if let compressionLevel, info.byteCount >= smallestCompressed, info.shape.rank > 0 {
      let chunkShape = HDF5Names.chunkShape(for: info)
      dataset.chunkShape = chunkShape
      dataset.compressionLevel = compressionLevel
      chunks = ChunkPlan(
        grid: try ChunkGrid(shape: info.shape, chunkShape: Shape(chunkShape)),
        pipeline: .compressing(level: compressionLevel, elementSize: info.dtype.elementUnit),
        filtersPartialChunks: true,
        fillElement: [UInt8](repeating: 0, count: info.dtype.elementUnit))
    }
    return Fed(
      path: info.name, tensor: position, content: .new(dataset), chunks: chunks,
      reversedWidth: nil)
  }

  private static func checkStorable(_ tensor: Tensor, _ path: FilePath) throws {
    guard !HDF5Builder.canStore(tensor.info.dtype) else { return }
    throw CheckpointError(
      .usage, path,
      "tensor '\(tensor.info.name)' of \(tensor.info.dtype.rawValue) cannot be stored in HDF5",
      hint: "write .safetensors, or choose a dtype that HDF5 has: --out-dtype F32")
  }

  /// The paths of datasets that are left out; of groups, where nothing stays in them.
  private func droppedPaths(of catalogue: HDF5Catalogue) -> [String] {
    let kept = Set(fed.map(\.path) + copied + unwritten.map(\.path))
    let gone = catalogue.datasets.filter { !kept.contains($0.path) }
    if gone.isEmpty { return [] }
    let goneObjects = Set(gone.map(\.object))
    var paths = gone.map(\.path)
    for case .hard(let path, let object) in catalogue.links where goneObjects.contains(object) {
      paths.append(path)
    }
    // Groups that something stays in, and groups that held nothing to begin with.
    var needed: Set<String> = [""]
    for path in kept { needed.formUnion(path.enclosingGroups) }
    let emptied = Set(paths.flatMap(\.enclosingGroups)).subtracting(needed)
    let candidates = emptied.union(paths)
    return candidates.filter { path in
      !path.enclosingGroups.contains { emptied.contains($0) }
    }.sorted { ExactString($0) < ExactString($1) }
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
      var unit = tensor.info.dtype.elementUnit
      if let grid = item.chunks?.grid {
        placed[item.tensor] = try tensor.ordered(by: grid)
        unit *= grid.chunkElementCount
      }
      let end = offset + placed[item.tensor].info.byteCount
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
        isAsPlanned && dataset.encoding?.dtype == info.dtype
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
