import FileIO
import HDF5Format
import SystemPackage
import TensorCore

/// How datasets get values in a new file.
extension HDF5Rebuild {
  /// Smaller tensors do not get smaller by compression: a chunk has an index.
  private static let smallestCompressed = 2048
  /// So many chunks are no attack, whatever the size of the file.
  private static let mostChunks = 2_000_000

  static func feed(
    _ dataset: HDF5Catalogue.Dataset, _ encoding: ElementEncoding,
    _ place: HDF5Assignment.Place, _ tensor: Tensor, _ source: HDF5File, _ path: FilePath
  ) throws -> Fed {
    let isRetyped = tensor.info.dtype != encoding.dtype
    if isRetyped { try checkStorable(tensor, path) }
    let width = tensor.info.dtype.elementUnit
    // After a change of dtype only zero is sure to be the same.
    let fill =
      isRetyped ? [UInt8](repeating: 0, count: width) : dataset.fillElement(encoding)
    let chunks = try chunkPlan(of: dataset, tensor, fill: fill, source)
    return Fed(
      path: place.path, tensor: place.tensor,
      content: .source(as: isRetyped ? tensor.info.dtype : nil), chunks: chunks,
      reversedWidth: isRetyped ? nil : encoding.reversedWidth)
  }

  /// Feeds numbers that no dtype has.
  static func feed(
    _ dataset: HDF5Catalogue.Dataset, _ layout: FloatLayout, _ place: HDF5Assignment.Place,
    _ tensor: Tensor, _ source: HDF5File
  ) throws -> Fed {
    let fill = [UInt8](repeating: 0, count: layout.size)
    let chunks = try chunkPlan(of: dataset, tensor, fill: fill, source)
    return Fed(
      path: place.path, tensor: place.tensor, content: .source(as: nil), chunks: chunks,
      reversedWidth: nil, floats: layout)
  }

  /// - Parameter fill: one element that nobody wrote, as it is to be stored.
  private static func chunkPlan(
    of dataset: HDF5Catalogue.Dataset, _ tensor: Tensor, fill: [UInt8], _ source: HDF5File
  ) throws -> ChunkPlan? {
    guard case .chunked(let chunkShape, _) = dataset.storage else { return nil }
    do {
      let grid = try ChunkGrid(shape: tensor.info.shape, chunkShape: Shape(chunkShape))
      try checkCount(of: grid, dataset, source)
      let pipeline = try ChunkPipeline(of: dataset)
      return ChunkPlan(
        grid: grid, pipeline: pipeline.retyped(elementSize: fill.count),
        filtersPartialChunks: dataset.filtersPartialChunks, fillElement: fill)
    } catch let error as HDF5Error {
      throw CheckpointError(source.path, error)
    }
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

  static func newDataset(
    _ tensor: Tensor, _ position: Int, at place: String, compressionLevel: Int?, _ path: FilePath
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
      path: place, tensor: position, content: .new(dataset), chunks: chunks,
      reversedWidth: nil)
  }

  /// A new dataset would be found under another name when its path leads through a further link to a group.
  static func checkPlace(of name: String, _ links: Set<String>, _ source: HDF5File) throws {
    if links.isEmpty { return }
    for path in name.enclosingGroups + [name] where links.contains(path) {
      throw CheckpointError(
        .badInput, source.path,
        "tensor '\(name)' cannot be added: '\(path)' is a link to what has another name",
        hint: "--missing intersect leaves such tensors out; a .safetensors file can hold them")
    }
  }

  /// What libhdf5 does not know, or would have to look for in other files, it cannot write anew.
  static func checkKnown(_ source: HDF5File) throws {
    guard let object = source.catalogue.unread.first else { return }
    throw CheckpointError(
      .badInput, source.path,
      "the output has another structure, and '\(object.path)' cannot be written anew: "
        + object.sentence,
      hint: HDF5Error.rewritingHint(of: source.file.label))
  }

  static func checkStorable(_ tensor: Tensor, _ path: FilePath) throws {
    guard !HDF5Builder.canStore(tensor.info.dtype) else { return }
    throw CheckpointError(
      .usage, path,
      "tensor '\(tensor.info.name)' of \(tensor.info.dtype.rawValue) cannot be stored in HDF5",
      hint: "write .safetensors, or choose a dtype that HDF5 has: --out-dtype F32")
  }
}

extension Tensor {
  /// The same tensor with float64 values that a layout has.
  func rounded(to layout: FloatLayout) throws -> Tensor {
    let values = Tensor(info, storage: .bytes(RoundedFloats(self, layout: layout), offset: 0))
    // A mean of one is exact, and finds what is not finite.
    return Tensor(info, storage: .computed(.linear(.uniform(inputCount: 1)), [values]))
  }
}
