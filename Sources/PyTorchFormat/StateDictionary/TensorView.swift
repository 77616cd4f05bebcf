package import TensorCore

/// How a tensor looks at its storage.
package struct TensorView: Sendable, Hashable {
  /// The number of the storage in the file.
  package let storage: Int
  /// The first element, counted in elements.
  package let offset: Int
  /// What the elements are.
  package let dtype: DType
  /// The extents.
  package let shape: Shape
  /// Where the elements lie.
  package let layout: StridedLayout
  /// Whether the values are the conjugates of what is stored.
  package let isConjugated: Bool
  /// Whether the values are the negatives of what is stored.
  package let isNegated: Bool

  /// Whether the values are the bytes at one place of the storage.
  package var isContiguous: Bool { layout.isContiguous && !isConjugated && !isNegated }

  /// The first byte in the storage.
  package var byteOffset: Int { offset * dtype.elementUnit }

  /// The number of bytes of the storage from the first to the last that is used.
  package var byteSpan: Int { layout.span * dtype.elementUnit }
}

extension PyTorchFile {
  /// What a value that makes a tensor says.
  enum TensorValue {
    case view(TensorView)
    /// A tensor that has no plain values: sparse, quantised, nested.
    case other(kind: String)
  }

  private static let otherKinds = [
    "torch._utils._rebuild_sparse_csr_tensor": "sparse (CSR)",
    "torch._utils._rebuild_qtensor": "quantised",
    "torch._utils._rebuild_meta_tensor_no_storage": "without values",
    "torch._utils._rebuild_nested_tensor": "nested",
    "torch.nested._internal.nested_tensor._rebuild_njt": "nested",
  ]

  /// The tensor that a value is; nil when it is none.
  ///
  /// - Throws: `PyTorchError` when it is one, but its numbers make no sense.
  func tensor(_ value: PickleValue) throws(PyTorchError)
    -> TensorValue?
  {
    if let view = array(value) { return .view(view) }
    guard let (callable, arguments) = tree.call(value) else { return nil }
    return try tensor(callable.name, arguments, depth: 0)
  }

  private func tensor(
    _ function: String, _ arguments: ArraySlice<PickleValue>, depth: Int
  ) throws(PyTorchError) -> TensorValue? {
    let parts = Array(arguments)
    switch function {
    case "torch._utils._rebuild_tensor" where parts.count == 4:
      return .view(try view(parts, dtype: nil))
    case "torch._utils._rebuild_tensor_v2" where (6...7).contains(parts.count):
      return .view(
        try view(parts, dtype: nil, metadata: parts.count > 6 ? parts[6] : .none))
    case "torch._utils._rebuild_tensor_v3" where (7...8).contains(parts.count):
      guard let name = tree.global(parts[6])?.name else {
        throw .damaged("a tensor does not tell its dtype")
      }
      guard let dtype = TorchDType.dtype(named: name) else { return .other(kind: "of \(name)") }
      return .view(
        try view(parts, dtype: dtype, metadata: parts.count > 7 ? parts[7] : .none))
    case "torch._utils._rebuild_parameter" where parts.count == 3,
      "torch._utils._rebuild_parameter_with_state" where parts.count == 4,
      "torch._utils._rebuild_device_tensor_from_cpu_tensor" where parts.count == 4:
      guard depth < 4, let (inner, arguments) = tree.call(parts[0]) else {
        throw .damaged("a parameter is made of something else than a tensor")
      }
      return try tensor(inner.name, arguments, depth: depth + 1)
    case "torch._tensor._rebuild_from_type_v2" where parts.count == 4:
      guard depth < 4, let inner = tree.global(parts[0])?.name, let arguments = tree.tuple(parts[2])
      else {
        throw .damaged("a tensor is made of something else")
      }
      if let made = try tensor(inner, arguments, depth: depth + 1) { return made }
      return .other(kind: "of the class '\(tree.global(parts[1])?.name ?? inner)'")
    case "torch._utils._rebuild_wrapper_subclass" where !parts.isEmpty:
      return .other(kind: "of the class '\(tree.global(parts[0])?.name ?? "unknown")'")
    case "torch._utils._rebuild_sparse_tensor": return .other(kind: "sparse\(layout(parts))")
    case "torch._utils._rebuild_device_tensor_from_numpy" where !parts.isEmpty,
      "torch._utils._rebuild_xla_tensor" where !parts.isEmpty:
      return array(parts[0]).map { .view($0) } ?? .other(kind: "an array of NumPy")
    default:
      if let kind = PyTorchFile.otherKinds[function] { return .other(kind: kind) }
      guard function.hasPrefix("torch._utils._rebuild_tensor") else {
        return function.hasPrefix("torch._utils._rebuild_")
          ? .other(kind: "made by '\(function)'") : nil
      }
      throw .damaged("a tensor is made of \(parts.count) parts")
    }
  }

  /// The layout of a sparse tensor: ` (CSR)`.
  private func layout(_ parts: [PickleValue]) -> String {
    guard let (callable, arguments) = parts.first.flatMap({ tree.call($0) }),
      callable.name == "torch.serialization._get_layout",
      let name = arguments.first.flatMap({ tree.text($0) })
    else { return "" }
    return
      " (\(name == "torch.sparse_coo" ? "COO" : name.dropFirst("torch.sparse_".count).uppercased()))"
  }

  /// Reads storage, offset, size and strides, and checks that all elements are in the storage.
  private func view(
    _ parts: [PickleValue], dtype: DType?, metadata: PickleValue = .none
  ) throws(PyTorchError) -> TensorView {
    guard let number = storageNumber(of: parts[0]) else {
      throw .damaged("a tensor has no storage")
    }
    let storage = storages[number]
    let key = storage.key
    guard let dtype = dtype ?? storage.dtype, storage.isUntyped || storage.dtype == dtype else {
      throw .unsupported(
        "a tensor of the storage '\(key)' of the type '\(storage.typeName)' is not supported")
    }
    guard case .integer(let offset) = parts[1], let sizes = integers(parts[2]),
      let strides = integers(parts[3])
    else { throw .damaged("a tensor of the storage '\(key)' does not tell its shape") }
    let stored = try storedShape(sizes)
    let shape = dtype == .float4 ? try packedShape(sizes) : stored
    guard offset >= 0, strides.count == sizes.count,
      let layout = StridedLayout(stored, strides: strides)
    else {
      throw .damaged(
        "a tensor of the storage '\(key)' has the impossible place \(offset), shape \(sizes), "
          + "strides \(strides)")
    }
    let (end, isTooLarge) = offset.addingReportingOverflow(layout.span)
    guard !isTooLarge, end <= storage.byteCount / dtype.elementUnit else {
      throw .damaged(
        "a tensor of shape \(sizes) at \(offset) does not fit into its storage '\(key)' of "
          + "\(storage.byteCount) bytes")
    }
    let flags = try flags(metadata)
    if dtype.kind != .complex && (flags.isConjugated || flags.isNegated && dtype.kind != .floating)
    {
      throw .damaged("a tensor of \(dtype.rawValue) cannot be conjugated or negated")
    }
    return TensorView(
      storage: number, offset: offset, dtype: dtype, shape: shape, layout: layout,
      isConjugated: flags.isConjugated, isNegated: flags.isNegated)
  }

  private func storedShape(_ sizes: [Int]) throws(PyTorchError) -> Shape {
    do { return try Shape(sizes) } catch { throw .damaged("a tensor: \(error)") }
  }

  /// The logical extents: PyTorch counts pairs of numbers of four bits.
  private func packedShape(_ sizes: [Int]) throws(PyTorchError) -> Shape {
    guard let last = sizes.last, last <= Int.max / 2 else {
      throw .damaged("a tensor of F4 has no axis")
    }
    return try storedShape(sizes.dropLast() + [last * 2])
  }

  private func integers(_ value: PickleValue) -> [Int]? {
    guard let items = tree.tuple(value) else { return nil }
    var integers: [Int] = []
    integers.reserveCapacity(items.count)
    for item in items {
      guard case .integer(let integer) = item else { return nil }
      integers.append(integer)
    }
    return integers
  }

  private func flags(_ metadata: PickleValue) throws(PyTorchError) -> (
    isConjugated: Bool, isNegated: Bool
  ) {
    guard let object = tree.object(metadata) else { return (false, false) }
    guard object.isDictionary else { throw .damaged("the metadata of a tensor are no dictionary") }
    let items = Array(tree.items(of: object))
    var flags = (isConjugated: false, isNegated: false)
    for index in stride(from: 0, to: items.count - 1, by: 2) {
      guard case .boolean(let value) = items[index + 1] else { continue }
      switch tree.text(items[index]) {
      case "conj"?: flags.isConjugated = value
      case "neg"?: flags.isNegated = value
      default: continue
      }
    }
    return flags
  }
}
