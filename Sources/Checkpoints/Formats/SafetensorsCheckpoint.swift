import FileIO
import SafetensorsFormat
public import SystemPackage
public import TensorCore

/// The safetensors format, one file or shards with an index.
public enum SafetensorsCheckpoint: CheckpointFormat {
  /// `safetensors`.
  public static let name = "safetensors"
  /// `.safetensors`.
  public static let suffixes = [".safetensors"]
  /// Tensors and metadata are all there is.
  public static let writesFromTensorsAlone = true

  /// The format has no compression.
  public static let compresses = false

  /// All but C128.
  public static func unsupported(in weights: WeightMap) -> [UnsupportedTensor] {
    weights.tensors.lazy.filter { !SafetensorsHeader.canStore($0.info.dtype) }.map { tensor in
      UnsupportedTensor(
        name: tensor.info.name, reason: "\(name) has no dtype for \(tensor.info.dtype.rawValue)")
    }
  }

  /// Whether the header's length is followed by an object.
  public static func recognizes(start: [UInt8]) -> Bool {
    guard start.count > 8, start[5] == 0, start[6] == 0, start[7] == 0 else { return false }
    return start[8...].first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
  }

  /// Opens one file.
  public static func open(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader {
    let (file, header) = try readHeader(path)
    do {
      let weights = try WeightMap(
        header.tensors, metadata: header.metadata,
        isQuantized: header.metadata["quantization_config"] != nil)
      return CheckpointReader(path: path, weights: weights, files: [file])
    } catch {
      throw CheckpointError(path, error)
    }
  }

  /// Reads and checks the header of one file.
  static func readHeader(_ path: FilePath) throws -> (
    file: ReadableFile, header: SafetensorsHeader
  ) {
    let file = try ReadableFile(path)
    let prefix = try file.bytes(in: 0..<min(8, file.size))
    do {
      let count = try SafetensorsHeader.byteCount(prefix: prefix, fileSize: file.size)
      // The descriptions take about twice the memory of their text, which is there too.
      CurrentProcess.reserveMemory(count * 7 / 2)
      let json = try file.bytes(in: 8..<8 + count)
      let header = try SafetensorsHeader(
        parsing: json, dataByteCount: file.size - 8 - count, source: file, dataOffset: 8 + count)
      return (file, header)
    } catch let error as SafetensorsError {
      throw CheckpointError(path, error)
    }
  }

  /// Places tensors one behind the other; in one file, or in shards with an index.
  public static func layout(of weights: WeightMap, for request: OutputRequest) throws
    -> OutputLayout
  {
    let weights = weights.tellingFramework(of: request)
    return switch request.form {
    case .file: OutputLayout(files: [try file(nil, Array(weights.tensors.indices), weights)])
    case .folder: try ShardedLayout(weights, for: request, self).layout()
    }
  }

  /// One file that holds the tensors at `positions`.
  static func file(_ name: String?, _ positions: [Int], _ weights: WeightMap) throws
    -> OutputLayout.File
  {
    let positions = aligned(positions, weights)
    let isWhole =
      positions.count == weights.count && positions.indices.allSatisfy { positions[$0] == $0 }
    let header = try SafetensorsHeader.encode(
      isWhole ? weights.tensors : positions.map { weights.tensors[$0] },
      metadata: weights.metadata)
    var offset = header.count
    var placements: [OutputLayout.Placement] = []
    placements.reserveCapacity(positions.count)
    for position in positions {
      placements.append(OutputLayout.Placement(tensor: position, offset: offset))
      offset += weights.tensors[position].info.byteCount
    }
    return OutputLayout.File(name: name, prefix: header, placements: placements, size: offset)
  }

  /// The given order; by size of the elements, the largest first, when otherwise a tensor would not be
  /// aligned to them, which some readers need. The reference writer orders the same way.
  private static func aligned(_ positions: [Int], _ weights: WeightMap) -> [Int] {
    var offset = 0
    var isAligned = true
    for position in positions {
      let info = weights.tensors[position].info
      if offset % info.dtype.elementUnit != 0 { isAligned = false }
      offset += info.byteCount
    }
    if isAligned { return positions }
    return positions.sorted { first, second in
      let widths = (
        weights.tensors[first].info.dtype.bitWidth, weights.tensors[second].info.dtype.bitWidth
      )
      return widths.0 != widths.1 ? widths.0 > widths.1 : first < second
    }
  }
}

extension WeightMap {
  /// The same tensors with metadata that tell the framework whose tensors they are.
  ///
  /// transformers refuses a file whose metadata lack it, and takes one without any metadata for PyTorch's.
  fileprivate func tellingFramework(of request: OutputRequest) -> WeightMap {
    var result = self
    let isPyTorch = request.firstFormat == PyTorchCheckpoint.self
    let isOfUnknown = request.firstFormat == SafetensorsCheckpoint.self && !metadata.isEmpty
    if metadata["format"] == nil, isPyTorch || isOfUnknown { result.metadata["format"] = "pt" }
    return result
  }
}

extension SafetensorsCheckpoint: ShardedFormat {
  static let shardNaming = ShardNaming(suffix: ".safetensors", usualStem: "model")

  static func openShard(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader {
    try open(path, options)
  }

  static func layout(
    ofShards shards: [PlannedShard], _ weights: WeightMap, for request: OutputRequest
  ) throws -> OutputLayout {
    OutputLayout(files: try shards.map { try file($0.name, $0.positions, weights) })
  }
}
