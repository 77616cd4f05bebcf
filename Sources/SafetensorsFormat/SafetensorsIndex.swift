public import JSONText
public import TensorCore

/// The index of a sharded model, `model.safetensors.index.json`: which tensor is in which file.
///
/// The layout is Hugging Face's: `{"metadata": {"total_size": …}, "weight_map": {tensor: shard}}`.
public struct SafetensorsIndex: Sendable {
  /// The end of the names of index files.
  public static let suffix = ".safetensors.index.json"

  /// What the file says of the model, `total_size` among it.
  public let metadata: [JSONValue.Member]
  /// The shard of each tensor.
  public let shardOfTensor: [ExactString: String]
  /// The names of the shards, sorted.
  public let shards: [String]

  /// The number of bytes of all tensors; nil when the index does not tell it.
  public let totalSize: Int?

  /// Parses an index.
  ///
  /// Shard names are judged as text: a name that is no plain `NAME.safetensors` beside the index is an
  /// attack or damage.
  ///
  /// - Throws: `SafetensorsError` with the code `badIndex`.
  public init(parsing bytes: [UInt8]) throws(SafetensorsError) {
    var contents = Contents()
    do {
      try contents.parse(bytes)
    } catch let error as SafetensorsError {
      throw error
    } catch {
      throw SafetensorsError(.badIndex, "the index is damaged: \(error)")
    }
    guard let shardOfTensor = contents.shardOfTensor else {
      throw SafetensorsError(.badIndex, "the index has no object 'weight_map'")
    }
    guard !shardOfTensor.isEmpty else {
      throw SafetensorsError(.badIndex, "the 'weight_map' of the index is empty")
    }
    metadata = contents.metadata ?? []
    totalSize = try SafetensorsIndex.totalSize(in: metadata)
    self.shardOfTensor = shardOfTensor
    shards = Set(shardOfTensor.values).sorted()
  }

  /// What is read of an index; the rest is skipped without becoming a tree.
  private struct Contents {
    /// What an index says of its model is some numbers; more than this many bytes are an attack.
    private static let maximumMetadataSize = 1 << 20

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

    private static func twice(_ key: String) -> SafetensorsError {
      SafetensorsError(.badIndex, "the index has '\(key)' twice")
    }

    private mutating func parseWeightMap(_ scanner: inout JSONScanner) throws {
      guard scanner.next == UInt8(ascii: "{") else {
        throw SafetensorsError(.badIndex, "the 'weight_map' of the index is not an object")
      }
      try scanner.expect("{")
      var map: [ExactString: String] = [:]
      var names: Set<String> = []
      var isFirst = true
      while let tensor = try scanner.nextKey(&isFirst) {
        guard scanner.next == UInt8(ascii: "\"") else {
          throw SafetensorsError(.badIndex, "the shard of tensor '\(tensor)' is not a string")
        }
        let name = try scanner.string()
        guard SafetensorsIndex.isPlainName(name) else {
          throw SafetensorsError(
            .badIndex,
            "the shard of tensor '\(tensor)' is named \(JSONValue.quoted(name)), "
              + "expected the name of a .safetensors file beside the index")
        }
        // Thousands of tensors share the text of a name.
        let shared = names.insert(name).memberAfterInsert
        guard map.updateValue(shared, forKey: ExactString(tensor)) == nil else {
          throw SafetensorsError(.badIndex, "the index names tensor '\(tensor)' twice")
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
        throw SafetensorsError(
          .badIndex, "the 'metadata' of the index has \(ahead.position - start) bytes, too many")
      }
      guard case .object(let members) = try scanner.value() else {
        throw SafetensorsError(.badIndex, "the 'metadata' of the index is not an object")
      }
      metadata = members
    }
  }

  private static func totalSize(in metadata: [JSONValue.Member]) throws(SafetensorsError) -> Int? {
    guard let value = metadata.first(where: { $0.key == "total_size" })?.value else { return nil }
    // Some writers divide in floating point and write 1234.0.
    guard let size = value.integer ?? value.double.flatMap({ Int(exactly: $0) }) else {
      throw SafetensorsError(
        .badIndex, "the 'total_size' of the index is \(value.text), no number of bytes")
    }
    return size
  }

  /// Whether a name is a plain file name that ends in `.safetensors`.
  static func isPlainName(_ name: String) -> Bool {
    name.hasSuffix(".safetensors") && name != ".safetensors"
      && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0 == "\0" }
  }

  /// The text of an index: sorted names, `total_size` in bytes of tensors, other metadata kept.
  public static func encode(
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

  /// The name that Hugging Face gives to a shard, counted from 0.
  public static func shardName(stem: String, number: Int, of count: Int) -> String {
    guard count > 1 else { return "\(stem).safetensors" }
    return "\(stem)-\(padded(number + 1))-of-\(padded(count)).safetensors"
  }

  /// The stem of a name like `model-00001-of-00009.safetensors`; nil for other names.
  public static func stem(ofShard name: String) -> String? {
    guard name.hasSuffix(".safetensors") else { return nil }
    let parts = name.dropLast(".safetensors".count).split(
      separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of",
      [parts[parts.count - 1], parts[parts.count - 3]].allSatisfy({ part in
        part.utf8.count >= 5 && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
      })
    else { return nil }
    return parts.dropLast(3).joined(separator: "-")
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
  }
}
