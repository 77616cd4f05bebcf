import SystemPackage
import TensorCore

/// The files of a model in several files whose index is missing, as some export scripts leave them.
struct ShardSet {
  let format: any ShardedFormat.Type
  /// What the names begin with.
  let stem: String
  /// The names in order.
  let names: [String]

  /// The files of one model among the names in a folder; nil when no file is named like a shard.
  ///
  /// - Throws: `CheckpointError` when some of the files are missing, or there are those of several models.
  init?(among names: [String], in folder: FilePath) throws {
    for format in CheckpointFormats.sharded {
      let shards = names.compactMap { name in
        format.shardNaming.shard(named: name).map { (name: name, shard: $0) }
      }
      guard let first = shards.first else { continue }
      let isOne = shards.allSatisfy {
        $0.shard.stem == first.shard.stem && $0.shard.count == first.shard.count
      }
      guard isOne else {
        throw CheckpointError(
          .badInput, folder, "it holds shards of several models and no index",
          hint: "give each model a folder of its own")
      }
      try ShardSet.checkComplete(shards.map(\.shard), format, folder)
      self.format = format
      stem = first.shard.stem
      self.names = shards.map(\.name).sorted()
      return
    }
    return nil
  }

  private static func checkComplete(
    _ shards: [(stem: String, number: Int, count: Int)], _ format: any ShardedFormat.Type,
    _ folder: FilePath
  ) throws {
    let (stem, count) = (shards[0].stem, shards[0].count)
    let found = Set(shards.map(\.number))
    // Some writers count from 0.
    let first = found.contains(0) ? 0 : 1
    guard count < 1_000_000,
      let missing = (first..<first + count).first(where: { !found.contains($0) })
    else { return }
    let name = format.shardNaming.shardName(stem: stem, number: missing - 1, of: count)
    throw CheckpointError(
      .missingInput, folder, "the shard '\(name)' is missing: \(found.count) of \(count) are there",
      hint: "the model is incomplete: get the missing shard, or all of it, again")
  }
}
