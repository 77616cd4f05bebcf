/// The name of a class or function in a pickle.
struct PickleGlobal: Sendable, Hashable {
  /// What is thought of a name.
  enum Standing: Sendable, Hashable {
    /// PyTorch's loader for weights alone accepts it.
    case understood
    /// It is not known: what it makes is left out.
    case opaque
    /// It can run code that a file chooses.
    case executable
  }

  /// The module and the name in it, with a dot between.
  let name: String
  /// The module alone.
  let module: String
  let standing: Standing
  /// The collection that a call of it makes; nil for others.
  let collection: PickleObject.Kind?
  /// Whether a call of it makes a tensor, by its name alone.
  let makesTensor: Bool

  init(module: String, name: String) {
    // Names of Python 2, as `pickle` maps them.
    let module = ["__builtin__": "builtins", "copy_reg": "copyreg"][module] ?? module
    self.module = module
    self.name = module + "." + name
    collection = module == "collections" ? PickleGlobal.collections[name] : nil
    // By the whole name, which may be cut elsewhere than at the end of the module.
    makesTensor =
      self.name.hasPrefix("torch._utils._rebuild_")
      || self.name == "torch._tensor._rebuild_from_type_v2"
    if PickleGlobal.isUnderstood(module, name) {
      standing = .understood
    } else {
      standing = PickleGlobal.isExecutable(module, name) ? .executable : .opaque
    }
  }

  private static let collections: [String: PickleObject.Kind] = [
    "OrderedDict": .orderedDictionary, "Counter": .counter, "defaultdict": .defaultDictionary,
  ]

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

  // MARK: - What can run code

  private static func isExecutable(_ module: String, _ name: String) -> Bool {
    let modules = module.split(separator: ".").map(String.init)
    let parts = name.split(separator: ".").map(String.init)
    if let first = modules.first, executableModules.contains(first) { return true }
    // A name with dots leads through attributes of what a module has imported: `codecs.os.system`.
    if (modules.dropFirst() + parts).contains(where: { systemModules.contains($0) }) { return true }
    if parts.contains(where: { $0.hasPrefix("__") }) { return true }
    if module == "builtins" { return !isHarmlessBuiltin(name) }
    return executableNames[module].map { $0.contains(name) || $0.contains("*") } ?? false
      || executableFunctions.contains(parts.last ?? "") && modules.first == "torch"
  }

  /// Modules that reach the system, whatever name is taken from them.
  private static let systemModules: Set<String> = [
    "os", "posix", "posixpath", "nt", "ntpath", "sys", "subprocess", "builtins", "importlib",
    "runpy", "pty", "socket", "shutil", "ctypes", "popen2",
  ]

  private static let executableModules: Set<String> = systemModules.union([
    "_aix_support", "_bootsubprocess", "_io", "_osx_support", "_pickle", "_posixsubprocess",
    "_pyrepl", "_thread", "aiohttp", "asyncio", "bdb", "cProfile", "cffi", "cgitb", "cloudpickle",
    "code", "codeop", "commands", "concurrent", "dill", "distutils", "doctest", "ensurepip",
    "fileinput", "ftplib", "glob", "http", "httplib", "idlelib", "imaplib", "imp", "inspect", "io",
    "joblib", "jsonpickle", "lib2to3", "linecache", "marshal", "multiprocessing", "nntplib", "pdb",
    "pickle", "pickletools", "pip", "pkgutil", "platform", "poplib", "profile", "pydoc",
    "pyximport",
    "requests", "resource", "rlcompleter", "sched", "setuptools", "shelve", "shlex", "signal",
    "site", "smtplib", "socketserver", "ssl", "sysconfig", "telnetlib", "tempfile", "test",
    "threading", "timeit", "trace", "types", "unittest", "urllib", "urllib2", "urllib3", "venv",
    "webbrowser", "wsgiref", "xmlrpc", "yaml", "zipimport",
  ])

  private static let executableNames: [String: Set<String>] = [
    "operator": ["attrgetter", "itemgetter", "methodcaller"],
    "_operator": ["attrgetter", "itemgetter", "methodcaller"],
    "functools": ["reduce", "partialmethod", "singledispatch"],
    "_functools": ["reduce"],
    "codecs": ["open", "*"],
    "copyreg": ["pickle", "constructor", "add_extension"],
    "numpy": ["load", "fromfile", "loadtxt", "genfromtxt", "memmap", "save", "savetxt", "savez"],
    "numpy.testing._private.utils": ["*"],
    "numpy.f2py": ["*"],
    "torch.jit.unsupported_tensor_ops": ["*"],
    "torch._inductor.codecache": ["*"],
    "torch._dynamo.guards": ["*"],
    "torch.hub": ["*"],
    "torch.utils.cpp_extension": ["*"],
    "torch.utils.collect_env": ["*"],
    "torch.fx.experimental.symbolic_shapes": ["*"],
    "torch.distributed.rpc": ["*"],
    "torch.package": ["*"],
    "pandas": ["read_pickle", "eval"],
    "logging.config": ["*"],
    "uuid": ["_get_command_stdout", "_popen"],
    "random": ["_os"],
    "collections": ["_sys", "_itemgetter"],
  ]

  /// What of PyTorch itself reads other files, or compiles and runs what it is given.
  private static let executableFunctions: Set<String> = [
    "load", "_load", "_legacy_load", "load_library", "load_inline", "load_state_dict_from_url",
    "download_url_to_file", "compile", "exec", "eval", "run", "system", "popen", "save",
    "import_ir_module", "from_file", "_new_with_file", "load_url", "script", "_exec_with_source",
    "_forward_from_src", "_run_function", "classes",
  ]

  private static func isHarmlessBuiltin(_ name: String) -> Bool {
    let isException = name.utf8.first.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
    return isException == true || harmlessBuiltins.contains(name)
  }

  private static let harmlessBuiltins: Set<String> = [
    "bool", "bytes", "dict", "enumerate", "float", "frozenset", "int", "list", "object", "range",
    "reversed", "slice", "str", "tuple", "type", "zip", "long", "unicode", "xrange", "len", "print",
    "abs", "max", "min", "sum", "round", "sorted",
  ]
}
