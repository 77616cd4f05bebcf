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
  /// Hard links to what is in the new file.
  private(set) var linked: [(path: String, target: String)] = []
  /// What gets other paths in the end.
  private let renaming: HDF5Renaming?
  /// For each tensor the first one with the same values, whose path its own leads to; itself where ties are not kept.
  private let groups: [Int]
  /// Where tensors are in the new file, by their groups.
  private var placed: [Int: String] = [:]
  let texts: [(name: String, text: String?)]

  /// Plans a file with the structure of `source`.
  init(
    _ structure: HDF5Structure, _ weights: WeightMap, _ assignment: HDF5Assignment,
    for request: OutputRequest
  ) throws {
    let source = structure.source
    self.source = source
    renaming = structure.renaming
    path = request.path
    groups = HDF5Rebuild.groups(of: weights, request)
    self.weights = weights
    texts = weights.rootTexts(replacing: source.catalogue)
    try HDF5Rebuild.checkKnown(source)
    for (dataset, place) in zip(source.catalogue.datasets, assignment.places) {
      if let place {
        try add(dataset, at: place, source)
      } else if !dataset.isTensor {
        copied.append(dataset.path)
      }
    }
    let kept = zip(source.catalogue.datasets, assignment.places).filter { dataset, place in
      place != nil || !dataset.isTensor
    }
    let removal = HDF5Removal(from: source.catalogue, keeping: Set(kept.map(\.0.path)))
    let broken = assignment.broken.map(\.text)
    dropped = Set(removal.paths + broken).sorted { ExactString($0) < ExactString($1) }
    let taken = source.catalogue.linkPaths.subtracting(broken)
    let others = weights.tensors.indices.filter { !assignment.isPlaced[$0] }.map { position in
      (position, assignment.paths[position] ?? weights.tensors[position].info.name)
    }
    for (_, path) in others { try HDF5Rebuild.checkPlace(of: path, taken, source) }
    try addNew(others, compressionLevel: nil)
  }

  /// Plans the values of a dataset of the source.
  private mutating func add(
    _ dataset: HDF5Catalogue.Dataset, at place: HDF5Assignment.Place, _ source: HDF5File
  ) throws {
    let position = place.tensor
    let tensor = weights.tensors[position]
    placed[groups[position]] = place.path
    if let layout = dataset.floats, tensor.info.dtype == .float64 {
      if !dataset.hasValues || (dataset.hasNoStorage && tensor.isConstant) {
        copied.append(place.path)
      } else {
        feed(dataset, try HDF5Rebuild.feed(dataset, layout, place, tensor, source))
      }
      return
    }
    // With another dtype they are like float64.
    let encoding = dataset.encoding ?? ElementEncoding(.float64)
    if try !dataset.hasValues || dataset.staysUnwritten(as: tensor) {
      let dtype = tensor.info.dtype
      guard dtype != encoding.dtype else {
        copied.append(place.path)
        return
      }
      try HDF5Rebuild.checkStorable(tensor, path)
      unwritten.append((place.path, dtype))
    } else {
      feed(dataset, try HDF5Rebuild.feed(dataset, encoding, place, tensor, source, path))
    }
  }

  /// Plans datasets that the source does not have, and further paths of those that are there by then.
  private mutating func addNew(
    _ tensors: [(position: Int, path: String)], compressionLevel: Int?
  ) throws {
    for (position, newPath) in tensors {
      if let target = placed[groups[position]] {
        linked.append((path: newPath, target: target))
      } else {
        placed[groups[position]] = newPath
        fed.append(
          try HDF5Rebuild.newDataset(
            weights.tensors[position], position, at: newPath, compressionLevel: compressionLevel,
            path))
      }
    }
  }

  /// Where an object is when all is done.
  func finalPath(of path: String) -> String { renaming?.newPath(of: path) ?? path }

  /// What moves of what is there, and the lists that change.
  var moving: (moves: [HDF5Renaming.Move], lists: [HDF5Renaming.List]) {
    guard let renaming else { return ([], []) }
    let again = (fed.map(\.path) + linked.map(\.path)).map { ExactString($0) }
    let gone = Set(dropped.map { ExactString($0) }).subtracting(again)
    func isThere(_ path: String) -> Bool {
      !(path.enclosingGroups + [path]).contains { gone.contains(ExactString($0)) }
    }
    return (
      renaming.moves.filter { isThere($0.path) }, renaming.lists.filter { isThere($0.group) }
    )
  }

  private mutating func feed(_ dataset: HDF5Catalogue.Dataset, _ item: Fed) {
    var item = item
    if case .compact = dataset.storage { item.isCompact = true }
    fed.append(item)
  }

  /// Plans a file of tensors alone.
  init(_ weights: WeightMap, for request: OutputRequest) throws {
    source = nil
    renaming = nil
    self.weights = weights
    path = request.path
    groups = HDF5Rebuild.groups(of: weights, request)
    texts = weights.rootTexts(replacing: nil)
    try HDF5Names.check(weights, path)
    try addNew(
      weights.tensors.enumerated().map { ($0, $1.info.name) },
      compressionLevel: request.compressionLevel)
  }

  private static func groups(of weights: WeightMap, _ request: OutputRequest) -> [Int] {
    request.unties ? Array(weights.tensors.indices) : TiedTensors(weights).groups
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
    let result = try HDF5File(try ReadableFile(staged))
    var isAsPlanned =
      result.catalogue.datasets.count == fed.count + copied.count + unwritten.count
    for item in fed {
      let info = weights.tensors[item.tensor].info
      guard let dataset = result.dataset(at: finalPath(of: item.path)) else {
        throw HDF5Structure.otherStructure(path)
      }
      isAsPlanned =
        isAsPlanned && dataset.floats == item.floats
        && (item.floats != nil || dataset.encoding?.dtype == info.dtype)
        && (dataset.dimensions ?? [0]) == info.shape.dimensions
        && dataset.encoding?.reversedWidth == item.reversedWidth
    }
    if let source {
      for item in fed.map(\.path) + copied {
        guard let dataset = source.dataset(at: item) else { continue }
        isAsPlanned =
          isAsPlanned
          && result.dataset(at: finalPath(of: item)).map { dataset.hasSameForm(as: $0) } ?? false
      }
      isAsPlanned =
        isAsPlanned
        && unwritten.allSatisfy {
          result.dataset(at: finalPath(of: $0.path))?.encoding?.dtype == $0.dtype
        }
    }
    isAsPlanned =
      isAsPlanned
      && linked.allSatisfy { link in
        result.dataset(at: finalPath(of: link.path)).map {
          $0 == result.dataset(at: finalPath(of: link.target))
        } ?? false
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
