import FileIO
import JSONText
import SafetensorsFormat
import SystemPackage
import TensorCore

/// Safetensors models of several files and an index, as Hugging Face writes them.
enum ShardedSafetensors {
  static let indexSuffix = SafetensorsIndex.suffix

  /// An index larger than this is no index: the largest models have some 10 MB.
  private static let maximumIndexSize = 128 << 20

  /// Opens an index and all of its shards, and checks them both ways.
  static func open(index path: FilePath, folder: FilePath) throws -> CheckpointReader {
    let index = try readIndex(path)
    var tensors: [Tensor] = []
    var files: [ReadableFile] = []
    var metadata: [ExactString: String] = [:]
    for shard in index.shards {
      let shardPath = folder.appending(shard)
      guard FileStatus(of: shardPath) != nil else {
        throw CheckpointError(
          .missingInput, path, "the shard '\(shard)' that the index names does not exist",
          hint: "the model is incomplete: get the missing shard, or all of it, again")
      }
      let (file, header) = try SafetensorsCheckpoint.readHeader(shardPath)
      try check(header, ofShard: shard, shardPath, against: index)
      tensors += header.tensors
      files.append(file)
      metadata.merge(header.metadata) { first, _ in first }
    }
    try checkComplete(tensors, index, path)
    try checkStale(index, in: folder, path)
    let weights: WeightMap
    do {
      weights = try WeightMap(tensors, metadata: metadata)
    } catch {
      throw CheckpointError(path, error)
    }
    return CheckpointReader(
      path: path, weights: weights, files: files,
      arrangement: .sharded(
        indexName: path.lastComponent?.string ?? "model" + indexSuffix, metadata: index.metadata,
        shardOfTensor: index.shardOfTensor))
  }

  private static func readIndex(_ path: FilePath) throws -> SafetensorsIndex {
    let file = try ReadableFile(path)
    guard file.size <= maximumIndexSize else {
      throw CheckpointError(
        .badInput, path, "an index of \(file.size) bytes is too large to be one")
    }
    do {
      return try SafetensorsIndex(parsing: try file.bytes(in: 0..<file.size))
    } catch let error as SafetensorsError {
      throw CheckpointError(path, error)
    }
  }

  /// Every tensor of a shard must be told by the index to be there.
  private static func check(
    _ header: SafetensorsHeader, ofShard shard: String, _ path: FilePath,
    against index: SafetensorsIndex
  ) throws {
    for tensor in header.tensors where index.shardOfTensor[ExactString(tensor.info.name)] != shard {
      let other = index.shardOfTensor[ExactString(tensor.info.name)]
      throw CheckpointError(
        .badInput, path,
        "tensor '\(tensor.info.name)' is in this shard, but the index "
          + (other.map { "says it is in '\($0)'" } ?? "does not name it"),
        hint: "index and shards are not of the same model: get all of them again")
    }
  }

  /// Every tensor of the index must have been found, and its total size must be right.
  private static func checkComplete(
    _ tensors: [Tensor], _ index: SafetensorsIndex, _ path: FilePath
  ) throws {
    if tensors.count != index.shardOfTensor.count {
      let found = Set(tensors.map { ExactString($0.info.name) })
      let missing = index.shardOfTensor.keys.filter { !found.contains($0) }.sorted()
      if let name = missing.first {
        throw CheckpointError(
          .badInput, path,
          "tensor '\(name.text)' should be in '\(index.shardOfTensor[name] ?? "")', but is not"
            + (missing.count > 1 ? " (and \(missing.count - 1) more)" : ""))
      }
    }
    let size = tensors.reduce(0) { $0.addingReportingOverflow($1.info.byteCount).partialValue }
    if let expected = index.totalSize, expected != size {
      throw CheckpointError(
        .badInput, path, "the index says that the tensors have \(expected) bytes, found \(size)",
        hint: "index and shards are not of the same model; if you know that they are, correct "
          + "'total_size' in the index")
    }
  }

  /// Shards of another version beside the index show that two models were mixed.
  private static func checkStale(
    _ index: SafetensorsIndex, in folder: FilePath, _ path: FilePath
  ) throws {
    let stems = Set(index.shards.compactMap { SafetensorsIndex.stem(ofShard: $0) })
    let known = Set(index.shards)
    for name in try Folder.names(in: folder) where !known.contains(name) {
      guard let stem = SafetensorsIndex.stem(ofShard: name), stems.contains(stem) else { continue }
      throw CheckpointError(
        .badInput, path, "the shard '\(name)' lies beside the index, which does not name it",
        hint: "two versions of a model are mixed in the folder: remove the one that is not wanted")
    }
  }

  /// Places tensors in shards: of at most the size asked for, or as the first input has them.
  static func layout(of weights: WeightMap, for request: OutputRequest) throws -> OutputLayout {
    let order = Array(weights.tensors.indices)
    let stem = stem(for: request)
    var indexMetadata: [JSONValue.Member] = []
    var groups: [(name: String, positions: [Int])]
    if case .sharded(_, let metadata, let shardOfTensor)? = request.arrangement {
      // What it tells of how the input was made is not true of the result.
      indexMetadata = metadata.filter { $0.key != Provenance.key.text }
      groups = sameShards(order, weights, shardOfTensor, stem: stem)
    } else {
      groups = [("\(stem).safetensors", order)]
    }
    if let limit = request.maximumShardSize {
      groups = shards(order, weights, atMost: limit, stem: stem)
    }
    // One file needs no index, and then the name that readers look for.
    if groups.count == 1 { groups[0].name = "\(stem).safetensors" }
    let files = try groups.map { try SafetensorsCheckpoint.file($0.name, $0.positions, weights) }
    guard groups.count > 1 else { return OutputLayout(files: files) }
    var shardOfTensor: [ExactString: String] = [:]
    for group in groups {
      for position in group.positions {
        shardOfTensor[ExactString(weights.tensors[position].info.name)] = group.name
      }
    }
    if let provenance = weights.metadata[Provenance.key] {
      indexMetadata.append(JSONValue.Member(Provenance.key.text, .string(provenance)))
    }
    let index = SafetensorsIndex.encode(
      shardOfTensor: shardOfTensor, totalSize: weights.byteCount, metadata: indexMetadata)
    return OutputLayout(files: files, texts: [(stem + indexSuffix, index)])
  }

  /// What the names of a folder's model start with: as those of the first input, or `model`.
  static func stem(for request: OutputRequest) -> String {
    switch request.arrangement {
    case .sharded(let indexName, _, _)?: return String(indexName.dropLast(indexSuffix.count))
    case .single(let name?)? where name.hasSuffix(".safetensors"):
      return String(name.dropLast(".safetensors".count))
    default: return "model"
    }
  }

  /// The shards that an index names; none when it cannot be read.
  static func shards(of index: FilePath) -> [String] { (try? readIndex(index))?.shards ?? [] }

  /// Whether a file has the name of a part of the model with this stem.
  static func isPart(_ name: String, ofModel stem: String) -> Bool {
    name == stem + indexSuffix || name == stem + ".safetensors"
      || SafetensorsIndex.stem(ofShard: name) == stem
  }

  private static func sameShards(
    _ order: [Int], _ weights: WeightMap, _ shardOfTensor: [ExactString: String], stem: String
  ) -> [(name: String, positions: [Int])] {
    var groups: [(name: String, positions: [Int])] = []
    var places: [String: Int] = [:]
    for position in order {
      // Tensors that only other inputs have join the last shard.
      guard
        let name = shardOfTensor[ExactString(weights.tensors[position].info.name)]
          ?? groups.last?.name ?? shardOfTensor.values.max()
      else { continue }
      if let place = places[name] {
        groups[place].positions.append(position)
      } else {
        places[name] = groups.count
        groups.append((name, [position]))
      }
    }
    // Without some tensors, names such as "00002-of-00009" would not be true any more.
    let isComplete = groups.count == Set(shardOfTensor.values).count
    return isComplete ? groups : renamed(groups.map(\.positions), stem: stem)
  }

  /// Fills shards one after the other; a tensor that is larger than the limit has one to itself.
  private static func shards(
    _ order: [Int], _ weights: WeightMap, atMost limit: Int, stem: String
  ) -> [(name: String, positions: [Int])] {
    var groups: [[Int]] = [[]]
    var size = 0
    for position in order {
      let byteCount = weights.tensors[position].info.byteCount
      if size + byteCount > limit, groups.last?.isEmpty == false {
        groups.append([])
        size = 0
      }
      groups[groups.count - 1].append(position)
      size += byteCount
    }
    return renamed(groups, stem: stem)
  }

  private static func renamed(_ groups: [[Int]], stem: String) -> [(name: String, positions: [Int])]
  {
    groups.enumerated().map { number, positions in
      (SafetensorsIndex.shardName(stem: stem, number: number, of: groups.count), positions)
    }
  }
}
