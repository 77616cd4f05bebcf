import FileIO
import HDF5Format
import JSONText
import SystemPackage
import TensorCore

/// Weights of Keras in several HDF5 files and an index, `NAME.weights.json`.
///
/// The index tells for each group of variables the file that holds it, or the files when one is not enough.
/// (Keras 3, `saving_lib.py`, sharded weights.)
public struct KerasShards: Sendable {
  /// The end of the names of index files.
  static let indexSuffix = ".weights.json"
  /// An index larger than this is no index.
  private static let maximumIndexSize = 16 << 20

  /// One of the files.
  struct Shard: Sendable {
    let name: String
    let structure: HDF5Structure
    /// The names of its tensors.
    let tensors: Set<ExactString>
  }

  let indexName: String
  let index: JSONValue
  let shards: [Shard]

  /// Opens an index and its files.
  ///
  /// - Throws: `CheckpointError` when they do not fit together, `FileError`.
  static func open(index path: FilePath, folder: FilePath) throws -> CheckpointReader {
    let index = try readIndex(path)
    let filesOfGroup = try weightMap(index, path)
    var shards: [Shard] = []
    var tensors: [Tensor] = []
    var readers: [CheckpointReader] = []
    for name in Set(filesOfGroup.values.joined()).sorted() {
      guard FileStatus(of: folder.appending(name)) != nil else {
        throw CheckpointError(
          .missingInput, path, "the shard '\(name)' that the index names does not exist",
          hint: "the model is incomplete: get the missing shard, or all of it, again")
      }
      let source = try HDF5File(try ReadableFile(folder.appending(name)))
      let reader = try HDF5Checkpoint.reader(of: source, at: folder.appending(name))
      let names = Set(reader.weights.tensors.map { ExactString($0.info.name) })
      shards.append(
        Shard(name: name, structure: HDF5Structure(source: source), tensors: names))
      tensors += reader.weights.tensors
      readers.append(reader)
    }
    let keras = KerasShards(
      indexName: path.lastComponent?.string ?? "model" + indexSuffix, index: index, shards: shards)
    try keras.check(filesOfGroup, path)
    return try keras.reader(tensors, readers, path)
  }

  /// The names of the files that an index names; none when it cannot be read.
  static func files(of index: FilePath) -> Set<String> {
    guard let value = try? readIndex(index), let map = try? weightMap(value, index) else {
      return []
    }
    return Set(map.values.joined())
  }

  private func reader(_ tensors: [Tensor], _ readers: [CheckpointReader], _ path: FilePath) throws
    -> CheckpointReader
  {
    let weights: WeightMap
    // The variables of an owner may be in several files.
    let roles = KerasRoles(
      shards.map { KerasLayout($0.structure.catalogue) }, classes: KerasClasses())
    do {
      weights = try WeightMap(
        roles.declared(tensors), metadata: readers.first?.weights.metadata ?? [:])
    } catch {
      throw CheckpointError(path, error)
    }
    var reader = CheckpointReader(
      path: path, weights: weights, files: readers.flatMap(\.files), arrangement: .kerasShards(self)
    )
    for part in readers {
      reader.layerNames.merge(part.layerNames) { first, _ in first }
      reader.otherContents += part.otherContents
      reader.unreadable += part.unreadable
    }
    reader.format = HDF5Checkpoint.self
    let shardParts = zip(shards, readers).map { (name: $0.name, parts: $1.ownParts) }
    reader.ownParts = { comparesTensors in
      try shardParts.flatMap { shard in
        try shard.parts(comparesTensors).map { $0.prefixed(by: shard.name) }
      }
    }
    return reader
  }

  private static func readIndex(_ path: FilePath) throws -> JSONValue {
    let file = try ReadableFile(path)
    guard file.size <= maximumIndexSize else {
      throw CheckpointError(
        .badInput, path, "an index of \(file.size) bytes is too large to be one")
    }
    do {
      return try JSONValue(parsing: try file.bytes(in: 0..<file.size))
    } catch let error as JSONError {
      throw CheckpointError(.badInput, path, "the index is damaged: \(error)")
    }
  }

  /// The files of each group of variables; their names are judged as text.
  private static func weightMap(_ index: JSONValue, _ path: FilePath) throws
    -> [ExactString: [String]]
  {
    guard case .object(let members)? = index["weight_map"], !members.isEmpty else {
      throw CheckpointError(.badInput, path, "the index has no object 'weight_map'")
    }
    var map: [ExactString: [String]] = [:]
    for member in members {
      let values: [JSONValue]
      if case .array(let list) = member.value { values = list } else { values = [member.value] }
      map[ExactString(member.key)] = try values.map { value in
        guard let name = value.string, isPlainName(name) else {
          throw CheckpointError(
            .badInput, path,
            "the shard of '\(member.key)' is \(value.text), expected the name of an .h5 file beside the "
              + "index")
        }
        return name
      }
    }
    return map
  }

  private static func isPlainName(_ name: String) -> Bool {
    name.hasSuffix(".h5") && name != ".h5"
      && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0 == "\0" }
  }

  /// Every group of variables is in the files that the index names for it, and in no others.
  private func check(_ filesOfGroup: [ExactString: [String]], _ path: FilePath) throws {
    for shard in shards {
      for tensor in shard.tensors {
        let group = tensor.text.enclosingGroups.last ?? ""
        let files = filesOfGroup[ExactString("/" + group)] ?? filesOfGroup[ExactString(group)] ?? []
        guard files.contains(shard.name) else {
          throw CheckpointError(
            .badInput, path,
            "tensor '\(tensor.text)' is in the shard '\(shard.name)', where the index does not have it",
            hint: "shards of several models may be mixed: get all of one model again")
        }
      }
    }
  }

  /// One file for each shard, and the index without groups that were left out.
  func layout(of weights: WeightMap, for request: OutputRequest) throws -> OutputLayout {
    let known = shards.reduce(into: Set<ExactString>()) { $0.formUnion($1.tensors) }
    if let other = weights.tensors.first(where: { !known.contains(ExactString($0.info.name)) }) {
      throw CheckpointError(
        .usage, request.path,
        "tensor '\(other.info.name)' has no place in the shards of the first input",
        hint: "write .safetensors or one .h5 file")
    }
    let parts = try shards.map { shard in
      let part = weights.tensors.filter { shard.tensors.contains(ExactString($0.info.name)) }
      let map = WeightMap(distinct: part, metadata: weights.metadata)
      return OutputLayout.Part(
        weights: map, layout: try shard.structure.layout(of: map, for: request))
    }
    let kept = Set(weights.tensors.flatMap { $0.info.name.enclosingGroups })
    let dropped = Set(known.flatMap { $0.text.enclosingGroups }).subtracting(kept)
    return OutputLayout(
      parts: parts.map { $0.renamingFiles { newName($0, for: request) } },
      texts: [
        (request.indexName ?? indexName, Array(indexText(without: dropped, for: request).utf8))
      ])
  }

  /// The name of a shard where the index gets another one: shards begin like it.
  private func newName(_ shard: String, for request: OutputRequest) -> String {
    guard let newIndex = request.indexName else { return shard }
    let stems = [indexName, newIndex].map { String($0.dropLast(KerasShards.indexSuffix.count)) }
    return shard.hasPrefix(stems[0]) ? stems[1] + shard.dropFirst(stems[0].count) : shard
  }

  private func indexText(without groups: Set<String>, for request: OutputRequest) -> String {
    guard case .object(let members) = index else { return index.text }
    let kept = members.map { member -> JSONValue.Member in
      guard member.key == "weight_map", case .object(let map) = member.value else { return member }
      let left = map.filter { !groups.contains(String($0.key.drop { $0 == "/" })) }
      return JSONValue.Member(
        member.key,
        .object(left.map { JSONValue.Member($0.key, renamed($0.value, for: request)) }))
    }
    return JSONValue.object(kept).indentedText
  }

  /// The names of one shard, or of several in a list.
  private func renamed(_ names: JSONValue, for request: OutputRequest) -> JSONValue {
    switch names {
    case .string(let name): .string(newName(name, for: request))
    case .array(let list): .array(list.map { renamed($0, for: request) })
    default: names
    }
  }
}
