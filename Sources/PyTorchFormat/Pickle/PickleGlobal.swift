/// The name of a class or function in a pickle.
struct PickleGlobal: Sendable, Hashable {
  /// What is thought of a name. Nothing is ever called: it decides what is told of a file that calls it.
  enum Standing: Sendable, Hashable {
    /// PyTorch's loader for weights alone accepts it.
    case understood
    /// It is not known: what it makes is left out.
    case opaque
    /// A call of it makes a function of what a file says; the function itself is not called by that.
    case makesCode
    /// A call of it gives an attribute of an object, by a name that the file chooses.
    case getsAttribute
    /// A call of it runs what a file chooses, or reaches other files and computers.
    case executable
  }

  /// What calls of a name make, as far as that is known.
  enum Product: Sendable, Hashable {
    case collection(PickleObject.Kind)
    /// Empty bytes, which have no instruction in protocol 2.
    case bytes
    case scalar
    case array
    case arrayOfBuffer
  }

  /// The module and the name in it, with a dot between.
  let name: String
  /// The module alone.
  let module: String
  let standing: Standing
  /// What a call of it makes, where that is a collection or what NumPy has; nil for others.
  let product: Product?
  /// Whether a call of it makes a tensor, by its name alone.
  let makesTensor: Bool

  init(module: String, name: String) {
    // Names of Python 2, as `pickle` maps them.
    let module = ["__builtin__": "builtins", "copy_reg": "copyreg"][module] ?? module
    self.module = module
    self.name = module + "." + name
    product = PickleGlobal.products[self.name]
    // By the whole name, which may be cut elsewhere than at the end of the module.
    makesTensor =
      self.name.hasPrefix("torch._utils._rebuild_")
      || self.name == "torch._tensor._rebuild_from_type_v2"
    if PickleGlobal.isUnderstood(module, name) {
      standing = .understood
    } else {
      standing = ExecutableNames.standing(module, name)
    }
  }

  private static let products: [String: Product] = {
    var products: [String: Product] = [
      "collections.OrderedDict": .collection(.orderedDictionary),
      "collections.Counter": .collection(.counter),
      "collections.defaultdict": .collection(.defaultDictionary),
      "builtins.dict": .collection(.dictionary), "builtins.list": .collection(.list),
      "builtins.bytes": .bytes,
    ]
    // NumPy 2 has moved them.
    for core in ["numpy.core", "numpy._core"] {
      products["\(core).multiarray.scalar"] = .scalar
      products["\(core).multiarray._reconstruct"] = .array
      products["\(core).numeric._frombuffer"] = .arrayOfBuffer
    }
    return products
  }()

  /// Whether it is of a package that writes functions and classes into pickles.
  var isOfCodeWriter: Bool {
    module.split(separator: ".").first.map { ExecutableNames.codeWriters.contains(String($0)) }
      ?? false
  }

  // MARK: - What is understood

  private static func isUnderstood(_ module: String, _ name: String) -> Bool {
    switch module {
    case "torch.cuda":
      return storageTypes.contains { name == $0 + "Storage" }
        || tensorTypes.contains { name == $0 + "Tensor" }
    case "torch.sparse", "torch.cuda.sparse": return tensorTypes.contains { name == $0 + "Tensor" }
    case "torch":
      return torchNames.contains(name) || storageTypes.contains { name == $0 + "Storage" }
        || quantizedTypes.contains { name == $0 + "Storage" }
        || tensorTypes.contains { name == $0 + "Tensor" }
    default: return understood[module]?.contains(name) ?? false
    }
  }

  private static let tensorTypes = [
    "BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short",
  ]
  private static let storageTypes = tensorTypes + ["ComplexDouble", "ComplexFloat"]
  private static let quantizedTypes = ["QInt32", "QInt8", "QUInt2x4", "QUInt4x2", "QUInt8"]

  private static let torchNames: Set<String> = [
    "Size", "Tensor", "bcomplex32", "bfloat16", "bits16", "bits1x8", "bits2x4", "bits4x2", "bits8",
    "bool", "complex128", "complex32", "complex64", "device", "float16", "float32",
    "float4_e2m1fn_x2", "float64", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
    "float8_e5m2fnuz", "float8_e8m0fnu", "int1", "int16", "int2", "int3", "int32", "int4", "int5",
    "int6", "int64", "int7", "int8", "per_channel_affine", "per_channel_affine_float_qparams",
    "per_channel_symmetric", "per_tensor_affine", "per_tensor_symmetric", "qint32", "qint8",
    "quint2x4", "quint4x2", "quint8", "uint1", "uint16", "uint2", "uint3", "uint32", "uint4",
    "uint5", "uint6", "uint64", "uint7", "uint8",
  ]

  private static let understood: [String: Set<String>] = [
    "_codecs": ["encode"],
    "builtins": ["bytearray", "complex", "set"],
    "collections": ["Counter", "OrderedDict"],
    "torch._tensor": ["_rebuild_from_type_v2"],
    "torch._utils": [
      "_rebuild_device_tensor_from_cpu_tensor", "_rebuild_device_tensor_from_numpy",
      "_rebuild_meta_tensor_no_storage", "_rebuild_parameter", "_rebuild_parameter_with_state",
      "_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_tensor", "_rebuild_tensor_v2",
      "_rebuild_tensor_v3", "_rebuild_wrapper_subclass",
    ],
    "torch.nn.parameter": ["Parameter"],
    "torch.serialization": ["_get_layout"],
    "torch.storage": ["TypedStorage", "UntypedStorage"],
  ]
}
