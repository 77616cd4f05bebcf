import JSONText
import TensorCore

/// Spreads tensors over the files of a folder: of at most the size asked for, or as the first input has them.
struct ShardedLayout {
  private let weights: WeightMap
  private let request: OutputRequest
  private let format: any ShardedFormat.Type
  private let naming: ShardNaming
  private let stem: String
  /// For each tensor the first that it is tied to, which may be itself: where there are ties, they share a file.
  private let ties: [Int]

  init(_ weights: WeightMap, for request: OutputRequest, _ format: any ShardedFormat.Type) {
    self.weights = weights
    self.request = request
    self.format = format
    naming = format.shardNaming
    stem = naming.stem(for: request)
    ties =
      format.keepsTies && !request.unties
      ? TiedTensors(weights).groups : Array(weights.tensors.indices)
  }

  /// The files, and an index where there are several.
  ///
  /// - Throws: when the format cannot hold a tensor.
  func layout() throws -> OutputLayout {
    var shards = shards()
    // One file needs no index, and then the name that readers look for.
    if shards.count == 1 { shards[0].name = stem + naming.suffix }
    var layout = try format.layout(ofShards: shards, weights, for: request)
    if shards.count > 1 || request.indexName != nil {
      layout.texts.append((stem + naming.indexSuffix, index(of: shards)))
    }
    return layout
  }

  private func index(of shards: [PlannedShard]) -> [UInt8] {
    var metadata: [JSONValue.Member] = []
    if case .sharded(let first)? = request.arrangement {
      // What it tells of how the input was made is not true of the result.
      metadata = first.metadata.filter { $0.key != Provenance.key.text }
    }
    if let provenance = weights.metadata[Provenance.key] {
      metadata.append(JSONValue.Member(Provenance.key.text, .string(provenance)))
    }
    var shardOfTensor: [ExactString: String] = [:]
    for shard in shards {
      for position in shard.positions {
        shardOfTensor[ExactString(weights.tensors[position].info.name)] = shard.name
      }
    }
    let totalSize = ties.indices.reduce(0) { $0 + byteCount(of: $1) }
    return ShardIndex.encode(
      shardOfTensor: shardOfTensor, totalSize: totalSize, metadata: metadata)
  }

  /// The bytes that a tensor adds to its file: none when another one has brought them.
  private func byteCount(of position: Int) -> Int {
    ties[position] == position ? weights.tensors[position].info.byteCount : 0
  }

  // MARK: - Partitions

  private func shards() -> [PlannedShard] {
    if let limit = request.maximumShardSize { return shards(atMost: limit) }
    if case .sharded(let first)? = request.arrangement { return sameShards(as: first) }
    return [
      PlannedShard(
        name: stem + naming.suffix, positions: Array(weights.tensors.indices),
        original: request.arrangement)
    ]
  }

  private func sameShards(as first: ShardedModel) -> [PlannedShard] {
    var shards: [PlannedShard] = []
    var places: [String: Int] = [:]
    var placeOfTensor = [Int](repeating: 0, count: weights.count)
    for position in weights.tensors.indices {
      let name = first.shardOfTensor[ExactString(weights.tensors[position].info.name)]
      // Tensors that only other inputs have join the last shard.
      let place =
        ties[position] < position
        ? placeOfTensor[ties[position]]
        : name.map { places[$0] ?? shards.count } ?? max(0, shards.count - 1)
      if place == shards.count {
        let name = name ?? first.shardOfTensor.values.max() ?? ""
        places[name] = place
        shards.append(
          PlannedShard(name: name, positions: [], original: first.arrangements[name]))
      }
      shards[place].positions.append(position)
      placeOfTensor[position] = place
    }
    // Without some tensors, names such as "00002-of-00009" would not be true any more.
    let isComplete = shards.count == first.arrangements.count && first.format == format
    return isComplete && (request.indexName ?? first.indexName) == first.indexName
      ? shards : renamed(shards)
  }

  /// Fills shards one after the other; a tensor that is larger than the limit has one to itself.
  private func shards(atMost limit: Int) -> [PlannedShard] {
    var shards = [PlannedShard(name: "", positions: [])]
    var size = 0
    var placeOfTensor = [Int](repeating: 0, count: weights.count)
    for position in weights.tensors.indices {
      if ties[position] < position {
        placeOfTensor[position] = placeOfTensor[ties[position]]
      } else {
        let byteCount = byteCount(of: position)
        if size + byteCount > limit, shards.last?.positions.isEmpty == false {
          shards.append(PlannedShard(name: "", positions: []))
          size = 0
        }
        placeOfTensor[position] = shards.count - 1
        size += byteCount
      }
      shards[placeOfTensor[position]].positions.append(position)
    }
    return renamed(shards)
  }

  private func renamed(_ shards: [PlannedShard]) -> [PlannedShard] {
    shards.enumerated().map { number, shard in
      var shard = shard
      shard.name = naming.shardName(stem: stem, number: number, of: shards.count)
      return shard
    }
  }
}
