import FileIO
import JSONText
import SystemPackage
import TensorCore

/// The index of a sharded model, `model.safetensors.index.json`: which tensor is in which file.
///
/// The layout is Hugging Face's: `{"metadata": {"total_size": …}, "weight_map": {tensor: shard}}`.
struct ShardIndex: Sendable {
  /// An index larger than this is no index: the largest models have some 10 MB.
  private static let maximumSize = 128 << 20

  /// What the file says of the model, `total_size` among it.
  let metadata: [JSONValue.Member]
  /// The shard of each tensor.
  let shardOfTensor: [ExactString: String]
  /// The names of the shards, sorted.
  let shards: [String]

  /// The number of bytes of all tensors; nil when the index does not tell it.
  let totalSize: Int?

  /// Reads an index.
  ///
  /// - Throws: `CheckpointError`, `FileError`.
  init(reading path: FilePath, _ naming: ShardNaming) throws {
    let file = try ReadableFile(path)
    guard file.size <= ShardIndex.maximumSize else {
      throw CheckpointError(
        .badInput, path, "an index of \(file.size) bytes is too large to be one")
    }
    try self.init(parsing: try file.bytes(in: 0..<file.size), path, naming)
  }

  /// Parses an index.
  ///
  /// Shard names are judged as text: a name that is no plain file name beside the index is an attack or damage.
  ///
  /// - Throws: `CheckpointError`.
  init(parsing bytes: [UInt8], _ path: FilePath, _ naming: ShardNaming) throws {
    do {
      try self.init(parsing: bytes, naming)
    } catch let error as Problem {
      throw CheckpointError(.badInput, path, error.reason)
    } catch let error as JSONError {
      if let problem = FormatDetection.knownProblem(Array(bytes.prefix(512))) {
        throw CheckpointError(.badInput, path, problem.what, hint: problem.hint)
      }
      throw CheckpointError(.badInput, path, "the index is damaged: \(error)")
    }
  }

  /// What is wrong with an index.
  private struct Problem: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }

  private init(parsing bytes: [UInt8], _ naming: ShardNaming) throws {
    var contents = Contents(naming: naming)
    try contents.parse(bytes)
    guard let shardOfTensor = contents.shardOfTensor else {
      throw Problem("the index has no object 'weight_map'")
    }
    guard !shardOfTensor.isEmpty else {
      throw Problem("the 'weight_map' of the index is empty")
    }
    metadata = contents.metadata ?? []
    totalSize = try ShardIndex.totalSize(in: metadata)
    self.shardOfTensor = shardOfTensor
    shards = Set(shardOfTensor.values).sorted()
  }

  /// What is read of an index; the rest is skipped without becoming a tree.
  private struct Contents {
    /// What an index says of its model is some numbers; more than this many bytes are an attack.
    private static let maximumMetadataSize = 1 << 20

    let naming: ShardNaming
    var metadata: [JSONValue.Member]?
    var shardOfTensor: [ExactString: String]?

    mutating func parse(_ bytes: [UInt8]) throws {
      var scanner = try JSONScanner(bytes)
      try scanner.expect("{")
      var isFirst = true
      while let key = try scanner.nextKey(&isFirst) {
        switch key {
        case "weight_map":
          guard shardOfTensor == nil else { throw Contents.twice(key) }
          try parseWeightMap(&scanner)
        case "metadata":
          guard metadata == nil else { throw Contents.twice(key) }
          try parseMetadata(&scanner)
        default: try scanner.skipValue()
        }
      }
      try scanner.expectEnd()
    }

    private static func twice(_ key: String) -> Problem {
      Problem("the index has '\(key)' twice")
    }

    private mutating func parseWeightMap(_ scanner: inout JSONScanner) throws {
      guard scanner.next == UInt8(ascii: "{") else {
        throw Problem("the 'weight_map' of the index is not an object")
      }
      try scanner.expect("{")
      var map: [ExactString: String] = [:]
      var names: Set<String> = []
      var isFirst = true
      while let tensor = try scanner.nextKey(&isFirst) {
        guard scanner.next == UInt8(ascii: "\"") else {
          throw Problem("the shard of tensor '\(tensor)' is not a string")
        }
        let name = try scanner.string()
        guard naming.isPlainName(name) else {
          throw Problem(
            "the shard of tensor '\(tensor)' is named \(JSONValue.quoted(name)), "
              + "expected the name of a \(naming.suffix) file beside the index")
        }
        // Thousands of tensors share the text of a name.
        let shared = names.insert(name).memberAfterInsert
        guard map.updateValue(shared, forKey: ExactString(tensor)) == nil else {
          throw Problem("the index names tensor '\(tensor)' twice")
        }
      }
      shardOfTensor = map
    }

    private mutating func parseMetadata(_ scanner: inout JSONScanner) throws {
      metadata = []
      if scanner.accept(word: "null") { return }
      let start = scanner.position
      var ahead = scanner
      try ahead.skipValue()
      guard ahead.position - start <= Contents.maximumMetadataSize else {
        throw Problem("the 'metadata' of the index has \(ahead.position - start) bytes, too many")
      }
      guard case .object(let members) = try scanner.value() else {
        throw Problem("the 'metadata' of the index is not an object")
      }
      metadata = members
    }
  }

  private static func totalSize(in metadata: [JSONValue.Member]) throws -> Int? {
    guard let value = metadata.first(where: { $0.key == "total_size" })?.value else { return nil }
    // Some writers divide in floating point and write 1234.0.
    guard let size = value.integer ?? value.double.flatMap({ Int(exactly: $0) }) else {
      throw Problem("the 'total_size' of the index is \(value.text), no number of bytes")
    }
    return size
  }

  /// The text of an index: sorted names, `total_size` in bytes of tensors, other metadata kept.
  static func encode(
    shardOfTensor: [ExactString: String], totalSize: Int, metadata: [JSONValue.Member]
  ) -> [UInt8] {
    var members = metadata.filter { $0.key != "total_size" }
    members.append(JSONValue.Member("total_size", .integer(totalSize)))
    let map = shardOfTensor.sorted { $0.key < $1.key }.map {
      JSONValue.Member($0.key.text, .string($0.value))
    }
    let root = JSONValue.object([
      JSONValue.Member("metadata", .object(members.sorted { $0.key < $1.key })),
      JSONValue.Member("weight_map", .object(map)),
    ])
    return Array(root.indentedText.utf8)
  }
}
