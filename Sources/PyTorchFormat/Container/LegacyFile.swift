import FileIO
import TensorCore

/// What PyTorch wrote before version 1.6: five pickles, and then storages, one behind the other.
struct LegacyFile {
  let pickle: StoragePickle
  let byteOrder: ElementEncoding.ByteOrder
  private let file: ReadableFile
  private let keys: [String]
  /// Where the storages begin.
  private let dataOffset: Int

  /// 0x1950a86a20f9469cfc6c, the lowest byte first.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
  private static let version = 1001

  init(_ file: ReadableFile) throws {
    self.file = file
    // The pickles do not tell how long they are: if they are cut off, more of the file is read.
    var size = min(file.size, 1 << 20)
    while true {
      do {
        let pickles = try LegacyFile.pickles(try file.bytes(in: 0..<size))
        pickle = try StoragePickle(pickles.tree)
        byteOrder = pickles.byteOrder
        keys = pickles.keys
        dataOffset = pickles.end
        return
      } catch let error as PyTorchError where error == PickleParser.cutOff {
        guard size < file.size, size < PyTorchFile.maximumPickleSize else { throw error }
        size = min(size * 4, file.size, PyTorchFile.maximumPickleSize)
      }
    }
  }

  private static func pickles(_ bytes: [UInt8]) throws(PyTorchError) -> (
    tree: PickleTree, byteOrder: ElementEncoding.ByteOrder, keys: [String], end: Int
  ) {
    let first = try PickleParser.parse(bytes)
    guard case .longInteger(let piece) = first.root, bytes[piece.range].elementsEqual(magic) else {
      if let name = first.call(first.root)?.callable.name { throw .wholeObject(name) }
      throw PyTorchError(
        .notPyTorch, "it is a Python pickle, but no file of PyTorch",
        hint: "only what torch.save wrote is read")
    }
    let version = try PickleParser.parse(bytes, from: first.end)
    guard case .integer(LegacyFile.version) = version.root else {
      throw .unsupported("the version of its format is unknown")
    }
    let system = try PickleParser.parse(bytes, from: version.end)
    let tree = try PickleParser.parse(bytes, from: system.end)
    let list = try PickleParser.parse(bytes, from: tree.end)
    guard let object = list.object(list.root), object.kind == .list else {
      throw .damaged("the list of its storages is missing")
    }
    var keys: [String] = []
    for item in list.items(of: object) {
      guard let key = list.text(item) else { throw .damaged("the key of a storage is no text") }
      keys.append(key)
    }
    return (tree, byteOrder(system), keys, list.end)
  }

  private static func byteOrder(_ tree: PickleTree) -> ElementEncoding.ByteOrder {
    guard let object = tree.object(tree.root), object.isDictionary else { return .littleEndian }
    let items = Array(tree.items(of: object))
    for index in stride(from: 0, to: items.count, by: 2)
    where tree.text(items[index]) == "little_endian" {
      if case .boolean(false) = items[index + 1] { return .bigEndian }
    }
    return .littleEndian
  }

  /// Finds the storages behind the pickles: for each key the number of elements, and the elements.
  func locate(_ storages: inout [PyTorchStorage]) throws {
    var position = dataOffset
    var numbers = StorageKeys()
    for (number, storage) in storages.enumerated() { numbers[storage.key.utf8[...]] = number }
    var found: Set<Int> = []
    for key in keys {
      guard let number = numbers[key.utf8[...]] else {
        throw PyTorchError.damaged("the storage '\(key)' is of no tensor")
      }
      let storage = storages[number]
      guard position <= file.size - 8 else { throw LegacyFile.shortened }
      let bytes = try file.bytes(in: position..<position + 8)
      let count = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let elementCount = storage.byteCount / storage.width
      guard count == UInt64(elementCount) else {
        throw PyTorchError.damaged(
          "the storage '\(key)' should have \(elementCount) elements, but has \(count)")
      }
      position += 8
      guard storage.byteCount <= file.size - position else { throw LegacyFile.shortened }
      storages[number].source = file
      storages[number].offset = position
      position += storage.byteCount
      found.insert(number)
    }
    for (number, storage) in storages.enumerated() where !found.contains(number) {
      throw PyTorchError.damaged("the storage '\(storage.key)' is missing")
    }
    guard position == file.size else {
      throw PyTorchError.damaged("\(file.size - position) bytes follow its last storage")
    }
  }

  private static let shortened = PyTorchError.damaged("its storages are cut off")
}
