package import TensorCore

/// A tensor that is to be written: what it is, and which storage it is all of.
package struct PickledTensor: Sendable {
  /// Name, dtype and shape.
  package let info: TensorInfo
  /// The number of its storage, which tensors that are tied share.
  package let storage: Int

  /// Describes a tensor.
  package init(_ info: TensorInfo, storage: Int) {
    self.info = info
    self.storage = storage
  }
}

/// A pickle of a checkpoint, and the storages that it refers to.
package struct PickledState: Sendable {
  /// Where the bytes of a storage come from.
  package enum Source: Sendable, Hashable {
    /// The values of tensors with this number of a storage.
    case new(Int)
    /// A storage of the file that is carried over, by its number there.
    case carried(Int)
  }

  /// The pickle.
  package let bytes: [UInt8]
  /// The storages; their keys are their places in this list.
  package let storages: [Source]

  /// A dictionary of tensors, and nothing else.
  ///
  /// - Throws: `PyTorchError` for a dtype that PyTorch does not have.
  package init(_ tensors: [PickledTensor]) throws {
    var writer = TensorWriter()
    writer.encoder.writeEmptyOrderedDictionary()
    _ = writer.encoder.put()
    if !tensors.isEmpty {
      writer.encoder.write(.mark)
      for tensor in tensors {
        writer.encoder.write(tensor.info.name)
        try writer.write(tensor.info, of: .new(tensor.storage))
      }
      writer.encoder.write(.setItems)
    }
    self.init(&writer)
  }

  /// What a checkpoint holds, with other tensors in the place of its weights.
  ///
  /// Weights that are not among `tensors` are left out, and so is what is not understood. Modules, and objects that were
  /// filled like dictionaries, become dictionaries of the tensors in them.
  ///
  /// - Parameter unreadable: the names of those tensors that are not read and are carried over as they are.
  /// - Throws: `PyTorchError` for what cannot be written.
  package init(
    replacing tensors: [PickledTensor], keeping unreadable: Set<ExactString> = [],
    in dictionary: StateDictionary, of file: PyTorchFile
  ) throws {
    var writer = TreeWriter(tensors, keeping: unreadable, dictionary, file)
    try writer.writeAll()
    self.init(&writer.tensors)
  }

  private init(_ writer: inout TensorWriter) {
    writer.encoder.write(.stop)
    bytes = writer.encoder.bytes
    storages = writer.storages
  }
}

/// Writes tensors, and numbers their storages in the order of the pickle.
struct TensorWriter {
  var encoder = PickleEncoder()
  private(set) var storages: [PickledState.Source] = []
  private var numbers: [PickledState.Source: Int] = [:]

  /// Writes what makes a tensor of all of its storage, in C order unless the strides are others.
  mutating func write(
    _ info: TensorInfo, of source: PickledState.Source, strides: [Int]? = nil,
    location: String = "cpu", requiresGradient: Bool = false
  ) throws(PyTorchError) {
    guard let dtypeName = TorchDType.name(of: info.dtype) else {
      throw .unsupported(
        "tensor '\(info.name)' of \(info.dtype.rawValue) cannot be written: PyTorch has no such dtype"
      )
    }
    let typeName = StorageType.name(of: info.dtype)
    encoder.write(
      global: "torch._utils", typeName == nil ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
    encoder.write(.mark)
    let unit = info.dtype.elementUnit
    writeStorage(
      source, type: typeName ?? "torch.storage.UntypedStorage", location: location,
      count: typeName == nil ? info.byteCount : info.byteCount / unit)
    encoder.write(0)
    var sizes = info.shape.dimensions
    if info.dtype == .float4 {
      guard let last = sizes.last, last % 2 == 0 else {
        throw .unsupported(
          "tensor '\(info.name)' of F4 has an odd last axis, which PyTorch cannot hold")
      }
      sizes[sizes.count - 1] = last / 2
    }
    encoder.write(sizes)
    encoder.write(strides ?? StridedLayout.contiguousStrides(of: sizes))
    encoder.write(requiresGradient)
    encoder.writeEmptyOrderedDictionary()
    if typeName == nil { encoder.write(global: "torch", dtypeName) }
    encoder.write(.tuple)
    encoder.write(.reduce)
  }

  /// Writes a reference to a storage.
  mutating func writeStorage(
    _ source: PickledState.Source, type: String, location: String, count: Int
  ) {
    let number = numbers[source] ?? storages.count
    if number == storages.count {
      storages.append(source)
      numbers[source] = number
    }
    encoder.write(.mark)
    encoder.write("storage")
    let dot = type.lastIndex(of: ".") ?? type.startIndex
    encoder.write(global: String(type[..<dot]), String(type[type.index(after: dot)...]))
    encoder.write(String(number))
    encoder.write(location)
    encoder.write(count)
    encoder.write(.tuple)
    encoder.write(.binaryPersistentID)
  }
}
