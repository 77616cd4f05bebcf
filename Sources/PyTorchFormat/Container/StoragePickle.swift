import TensorCore

/// The pickle of an object, and what the references in it say of storages.
struct StoragePickle: Sendable {
  /// What the pickle says.
  let tree: PickleTree
  /// The storages, in the order of the pickle. Where they are is not known yet.
  var storages: [PyTorchStorage] = []
  /// Which storage an object of the tree refers to; -1 for other objects.
  private var storageNumbers: [Int32]
  /// The arrays of NumPy, by the numbers of their objects.
  private(set) var arrays: [Int32: TensorView] = [:]

  /// Looks at all references.
  ///
  /// - Throws: `PyTorchError` when one makes no sense, or two disagree.
  init(_ tree: PickleTree) throws(PyTorchError) {
    self.tree = tree
    storageNumbers = Array(repeating: -1, count: tree.objects.count)
    var numbers = StorageKeys()
    var references = StorageReferences()
    for (place, object) in tree.objects.enumerated() where object.kind == .storage {
      let storage = try references.storage(of: object, in: tree)
      let number = numbers[storage.key.utf8[...]] ?? storages.count
      storageNumbers[place] = Int32(number)
      if number < storages.count {
        let known = storages[number]
        guard known.byteCount == storage.byteCount, known.typeName == storage.typeName else {
          throw .damaged("the storage '\(storage.key)' is described in two ways")
        }
      } else {
        storages.append(storage)
        numbers[storage.key.utf8[...]] = number
      }
    }
  }

  /// Makes storages of the arrays of NumPy, whose bytes are in the pickle.
  ///
  /// - Throws: `PyTorchError` when the bytes of one are none.
  mutating func addArrays(_ byteOrder: ElementEncoding.ByteOrder) throws(PyTorchError) {
    for (place, object) in tree.objects.enumerated() where object.kind == .array {
      let number = Int32(place)
      guard let array = tree.array(.object(number)), var bytes = tree.decoded(array.data),
        let shape = try? Shape(array.shape)
      else { throw .damaged("the bytes of an array in its pickle are none") }
      if array.isBigEndian != (byteOrder == .bigEndian) {
        bytes.reverseGroups(
          of: array.dtype.kind == .complex
            ? array.dtype.elementUnit / 2 : array.dtype.elementUnit)
      }
      guard let layout = StridedLayout(shape, strides: array.strides) else {
        throw .damaged("an array in its pickle has the impossible shape \(array.shape)")
      }
      arrays[number] = TensorView(
        storage: storages.count, offset: 0, dtype: array.dtype, shape: shape, layout: layout,
        isConjugated: false, isNegated: false)
      storages.append(PyTorchStorage(array: place, of: array.dtype, bytes: bytes))
    }
  }

  /// The number of the storage that a value refers to.
  func storageNumber(of value: PickleValue) -> Int? {
    guard case .object(let object) = value, storageNumbers[Int(object)] >= 0 else { return nil }
    return Int(storageNumbers[Int(object)])
  }
}

/// Reads references to storages, of which most are of one type and on one device.
private struct StorageReferences {
  private var global: Int32 = -1
  private var typeName = ""
  private var elements: (dtype: DType?, width: Int)?
  private var location = "cpu"
  private let nowhere = MemoryBytes([])

  mutating func storage(of object: PickleObject, in tree: PickleTree) throws(PyTorchError)
    -> PyTorchStorage
  {
    let parts = tree.items(of: object)
    let first = parts.startIndex
    guard let key = tree.text(parts[first + 2]), let type = tree.object(parts[first + 1]),
      type.kind == .global, case .integer(let count) = parts[first + 4]
    else { throw .damaged("a reference to a storage does not tell its key, type and size") }
    if parts.count > 5, case .object = parts[first + 5] {
      throw .unsupported(
        "the storage '\(key)' is a view of another one, as before PyTorch 0.4",
        hint: "load it in PyTorch and save it again: torch.save(torch.load('old.pt'), 'new.pt')")
    }
    if type.place != global {
      global = type.place
      typeName = tree.globals[Int(global)].name
      elements = StorageType.elements(typeName)
    }
    guard let elements else {
      throw .unsupported("the storage '\(key)' is of the unknown type '\(typeName)'")
    }
    let (byteCount, isTooLarge) = count.multipliedReportingOverflow(by: elements.width)
    guard count >= 0, !isTooLarge else {
      throw .damaged("the storage '\(key)' has an impossible number of elements, \(count)")
    }
    if !tree.isText(parts[first + 3], location) { location = tree.text(parts[first + 3]) ?? "cpu" }
    return PyTorchStorage(
      key: key, byteCount: byteCount, location: location, typeName: typeName,
      dtype: elements.dtype, width: elements.width, source: nowhere, offset: 0)
  }
}
