import FileIO
import JSONText
import SystemPackage
public import TensorCore

/// A model in several files with an index, as Hugging Face writes them.
public struct ShardedModel: Sendable {
  /// The format of the files.
  let format: any ShardedFormat.Type
  /// The name of the index.
  let indexName: String
  /// What the index says of the model.
  let metadata: [JSONValue.Member]
  /// The file of each tensor.
  let shardOfTensor: [ExactString: String]
  /// What each file is by itself.
  let arrangements: [String: CheckpointReader.Arrangement]

  /// Opens an index and all of its shards, and checks them both ways.
  ///
  /// - Throws: `CheckpointError`, `FileError`.
  static func open(index path: FilePath, folder: FilePath, _ options: ReadingOptions) throws
    -> CheckpointReader
  {
    let indexName = path.lastComponent?.string ?? ""
    guard let format = CheckpointFormats.format(ofIndex: indexName) else {
      throw CheckpointError(.badInput, path, "its name is not that of an index")
    }
    let index = try ShardIndex(reading: path, format.shardNaming)
    let shards = try index.shards.map { name in
      let shardPath = folder.appending(name)
      guard FileStatus(of: shardPath) != nil else {
        throw CheckpointError(
          .missingInput, path, "the shard '\(name)' that the index names does not exist",
          hint: "the model is incomplete: get the missing shard, or all of it, again")
      }
      let shard = try openShard(shardPath, format, options)
      try check(shard, name, against: index)
      return shard
    }
    let model = ShardedModel(
      format: format, indexName: indexName, metadata: index.metadata,
      shardOfTensor: index.shardOfTensor,
      arrangements: Dictionary(
        zip(index.shards, shards.map(\.arrangement)), uniquingKeysWith: { first, _ in first }))
    let reader = try model.reader(path, shards)
    try checkComplete(reader.weights, index, path)
    try checkTotalSize(of: reader.weights, in: shards, index, path)
    try checkStale(index, format.shardNaming, in: folder, path)
    return reader
  }

  /// Opens shards without an index: what is in them is the model.
  ///
  /// - Throws: `CheckpointError`, `FileError`.
  static func open(_ set: ShardSet, in folder: FilePath, _ options: ReadingOptions) throws
    -> CheckpointReader
  {
    let shards = try set.names.map { try openShard(folder.appending($0), set.format, options) }
    var shardOfTensor: [ExactString: String] = [:]
    for (name, shard) in zip(set.names, shards) {
      for tensor in shard.weights.tensors {
        let other = shardOfTensor.updateValue(name, forKey: ExactString(tensor.info.name))
        guard let other else { continue }
        throw CheckpointError(
          .badInput, folder, "tensor '\(tensor.info.name)' is in '\(other)' and in '\(name)'",
          hint: "the files are not the shards of one model: name the one that is meant")
      }
    }
    let model = ShardedModel(
      format: set.format, indexName: set.stem + set.format.shardNaming.indexSuffix, metadata: [],
      shardOfTensor: shardOfTensor,
      arrangements: Dictionary(
        zip(set.names, shards.map(\.arrangement)), uniquingKeysWith: { first, _ in first }))
    return try model.reader(folder, shards)
  }

  private static func openShard(
    _ path: FilePath, _ format: any ShardedFormat.Type, _ options: ReadingOptions
  ) throws -> CheckpointReader {
    let found = try FormatDetection.format(of: path)
    guard found == format else {
      throw CheckpointError(
        .badInput, path, "it is a file of \(found.name), but the index is one of \(format.name)",
        hint: "index and shards are not of the same model: get all of them again")
    }
    return try format.openShard(path, options)
  }

  /// All shards as one checkpoint.
  private func reader(_ path: FilePath, _ shards: [CheckpointReader]) throws -> CheckpointReader {
    var metadata: [ExactString: String] = [:]
    for shard in shards { metadata.merge(shard.weights.metadata) { first, _ in first } }
    let weights: WeightMap
    do {
      weights = try WeightMap(
        shards.flatMap(\.weights.tensors), metadata: metadata,
        isQuantized: shards.contains(where: \.weights.isQuantized))
    } catch {
      throw CheckpointError(path, error)
    }
    var reader = CheckpointReader(
      path: path, weights: weights, files: shards.flatMap(\.files), arrangement: .sharded(self))
    reader.format = format
    reader.unreadable = shards.flatMap(\.unreadable)
    var known: Set<String> = []
    for shard in shards {
      reader.otherContents += shard.otherContents.filter { known.insert($0).inserted }
      reader.unknownContents += shard.unknownContents
    }
    let parts = shards.map(\.ownParts)
    reader.ownParts = { comparesTensors in try parts.flatMap { try $0(comparesTensors) } }
    let checks = shards.compactMap(\.checksums)
    if !checks.isEmpty {
      reader.checksums = { threads in for check in checks { try check(threads) } }
      reader.checksWhatIsRead = shards.allSatisfy(\.checksWhatIsRead)
    }
    return reader
  }

  /// The same files with other names of tensors in them.
  fileprivate func renaming(_ newNames: [ExactString: String]) -> ShardedModel {
    let renamed = shardOfTensor.map {
      (newNames[$0.key].map { ExactString($0) } ?? $0.key, $0.value)
    }
    return ShardedModel(
      format: format, indexName: indexName, metadata: metadata,
      shardOfTensor: Dictionary(renamed, uniquingKeysWith: { first, _ in first }),
      arrangements: arrangements)
  }

  // MARK: - Checks

  /// Every tensor of a shard must be told by the index to be there.
  private static func check(_ shard: CheckpointReader, _ name: String, against index: ShardIndex)
    throws
  {
    let names = shard.weights.tensors.map(\.info.name) + shard.unreadable.map(\.name)
    for tensor in names
    where index.shardOfTensor[ExactString(tensor)] != name {
      let other = index.shardOfTensor[ExactString(tensor)]
      throw CheckpointError(
        .badInput, shard.path,
        "tensor '\(tensor)' is in this shard, but the index "
          + (other.map { "says it is in '\($0)'" } ?? "does not name it"),
        hint: "index and shards are not of the same model: get all of them again")
    }
  }

  /// Every tensor of the index must have been found.
  private static func checkComplete(_ weights: WeightMap, _ index: ShardIndex, _ path: FilePath)
    throws
  {
    guard weights.count + weights.unreadable.count != index.shardOfTensor.count else { return }
    let found = Set(
      weights.tensors.map { ExactString($0.info.name) }
        + weights.unreadable.map { ExactString($0.name) })
    let missing = index.shardOfTensor.keys.filter { !found.contains($0) }.sorted()
    guard let name = missing.first else { return }
    throw CheckpointError(
      .badInput, path,
      "tensor '\(name.text)' should be in '\(index.shardOfTensor[name] ?? "")', but is not"
        + (missing.count > 1 ? " (and \(missing.count - 1) more)" : ""))
  }

  /// The size that the index tells must be one that its writer can have meant.
  private static func checkTotalSize(
    of weights: WeightMap, in shards: [CheckpointReader], _ index: ShardIndex, _ path: FilePath
  ) throws {
    // What the values of others come to is not known.
    guard let expected = index.totalSize, expected != weights.byteCount, weights.unreadable.isEmpty,
      !otherSizes(of: weights, in: shards).contains(expected)
    else { return }
    throw CheckpointError(
      .badInput, path,
      "the index says that the tensors have \(expected) bytes, found \(weights.byteCount)",
      hint: "index and shards are not of the same model; if you know that they are, correct "
        + "'total_size' in the index")
  }

  /// What other writers count: tied tensors once, storages whole whatever is seen of them; some versions took BOOL
  /// for bits.
  private static func otherSizes(of weights: WeightMap, in shards: [CheckpointReader]) -> Set<Int> {
    let ties = TiedTensors(weights).groups
    let distinct = weights.tensors.indices.filter { ties[$0] == $0 }.map {
      weights.tensors[$0].info
    }
    func saved(_ infos: [TensorInfo]) -> Int {
      let bytes = infos.lazy.filter { $0.dtype == .bool }.reduce(0) { $0 + $1.byteCount }
      return bytes - bytes / 8
    }
    let once = distinct.reduce(0) { $0 + $1.byteCount }
    var storages = 0
    for case .pytorch(let structure) in shards.map(\.arrangement) {
      storages += structure.storedByteCount
    }
    return [
      weights.byteCount - saved(weights.tensors.map(\.info)), once, once - saved(distinct),
      storages,
    ]
  }

  /// Shards of another version beside the index show that two models were mixed.
  private static func checkStale(
    _ index: ShardIndex, _ naming: ShardNaming, in folder: FilePath, _ path: FilePath
  ) throws {
    let stems = Set(index.shards.compactMap { naming.stem(ofShard: $0) })
    let known = Set(index.shards)
    for name in try Folder.names(in: folder) where !known.contains(name) {
      guard let stem = naming.stem(ofShard: name), stems.contains(stem) else { continue }
      throw CheckpointError(
        .badInput, path, "the shard '\(name)' lies beside the index, which does not name it",
        hint: "two versions of a model are mixed in the folder: remove the one that is not wanted")
    }
  }
}

extension CheckpointReader.Arrangement {
  /// The same arrangement for tensors that get other names, whose files stay theirs.
  ///
  /// - Parameter newNames: the new names by the old ones.
  public func renaming(_ newNames: [ExactString: String]) -> CheckpointReader.Arrangement {
    if newNames.isEmpty { return self }
    return switch self {
    case .sharded(let model): .sharded(model.renaming(newNames))
    case .hdf5(let structure): .hdf5(structure.renaming(newNames))
    case .keras(let archive): .keras(archive.renaming(newNames))
    default: self
    }
  }
}
