import SystemPackage
import TensorCore

/// A format whose models may be several files with an index, as Hugging Face writes them.
protocol ShardedFormat: CheckpointFormat {
  /// How the files are named.
  static var shardNaming: ShardNaming { get }

  /// Opens one of the files, whose tensors have the names that the index gives them.
  ///
  /// - Throws: `CheckpointError`, `FileError`.
  static func openShard(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader

  /// Places tensors in files of a folder.
  ///
  /// - Throws: when the format cannot hold a tensor.
  static func layout(
    ofShards shards: [PlannedShard], _ weights: WeightMap, for request: OutputRequest
  ) throws -> OutputLayout
}

/// A file of a model that is to be written.
struct PlannedShard {
  /// The name in the folder.
  var name: String
  /// The tensors, counted in the map that is written.
  var positions: [Int]
  /// The file of the first input that it takes the place of; nil for none.
  var original: CheckpointReader.Arrangement?
}

/// How Hugging Face names the files of a model in several files.
struct ShardNaming: Sendable {
  /// The end of the names of files with tensors: `.safetensors`.
  let suffix: String
  /// What names begin with when nothing else is known: `model`.
  let usualStem: String

  /// The end of the names of indexes.
  var indexSuffix: String { suffix + ".index.json" }
  /// The name that most programs give the one file of a model.
  var usualName: String { usualStem + suffix }
  /// The name that most programs give the index of a model.
  var usualIndexName: String { usualStem + indexSuffix }

  /// Whether a name is a plain file name with the suffix.
  func isPlainName(_ name: String) -> Bool {
    name.hasSuffix(suffix) && name != suffix
      && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0 == "\0" }
  }

  /// The name of a shard, counted from 0.
  func shardName(stem: String, number: Int, of count: Int) -> String {
    guard count > 1 else { return stem + suffix }
    return "\(stem)-\(ShardNaming.padded(number + 1))-of-\(ShardNaming.padded(count))\(suffix)"
  }

  /// The stem of a name like `model-00001-of-00009.safetensors`; nil for other names.
  func stem(ofShard name: String) -> String? { shard(named: name)?.stem }

  /// What a name like `model-00001-of-00009.safetensors` tells; nil for other names.
  func shard(named name: String) -> (stem: String, number: Int, count: Int)? {
    guard name.hasSuffix(suffix) else { return nil }
    let parts = name.dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of" else { return nil }
    let numbers = [parts[parts.count - 3], parts[parts.count - 1]].map { part in
      part.utf8.count >= 5 && part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil
    }
    guard let number = numbers[0], let count = numbers[1] else { return nil }
    return (parts.dropLast(3).joined(separator: "-"), number, count)
  }

  /// Whether a file has the name of a part of the model with this stem.
  func isPart(_ name: String, ofModel stem: String) -> Bool {
    name == stem + indexSuffix || name == stem + suffix || self.stem(ofShard: name) == stem
  }

  /// What the names of a folder's model begin with: as in the name of the index that is asked for, as those of the
  /// first input, or as usual.
  func stem(for request: OutputRequest) -> String {
    if let index = request.indexName, index.hasSuffix(indexSuffix), index != indexSuffix {
      return String(index.dropLast(indexSuffix.count))
    }
    return stem(like: request.arrangement)
  }

  private func stem(like arrangement: CheckpointReader.Arrangement?) -> String {
    switch arrangement {
    case .sharded(let model)?:
      let first = model.format.shardNaming
      let stem = String(model.indexName.dropLast(first.indexSuffix.count))
      return stem == first.usualStem ? usualStem : stem
    case .single(let name?)? where name.hasSuffix(suffix):
      return String(name.dropLast(suffix.count))
    case .pytorch(let structure)?:
      guard let name = structure.fileName, isPlainName(name) else {
        return usualStem
      }
      return String(name.dropLast(suffix.count))
    default: return usualStem
    }
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
  }
}

extension CheckpointFormats {
  /// The formats whose models may be several files; those of the first are read where a folder holds several.
  static let sharded: [any ShardedFormat.Type] = all.compactMap { $0 as? any ShardedFormat.Type }

  /// Whether a file is named like one of several of a model.
  static func isShard(_ name: String) -> Bool {
    sharded.contains { $0.shardNaming.shard(named: name) != nil }
  }

  /// The format whose indexes are named so.
  static func format(ofIndex name: String) -> (any ShardedFormat.Type)? {
    sharded.first { name.hasSuffix($0.shardNaming.indexSuffix) }
  }
}
