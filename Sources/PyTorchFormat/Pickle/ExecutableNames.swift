/// Names of what runs code that a file chooses when a pickle calls it.
///
/// No list of such names is complete, and none has to be: nothing of a pickle is ever called. The list decides which
/// files are refused as attacks rather than read without what they would call.
enum ExecutableNames {
  /// What is thought of a name that is not one of those that PyTorch's loader for weights alone accepts.
  static func standing(_ module: String, _ name: String) -> PickleGlobal.Standing {
    let modules = module.split(separator: ".").map(String.init)
    let parts = name.split(separator: ".").map(String.init)
    let (package, last) = (modules.first ?? "", parts.last ?? "")
    if attributeGetters.contains(module + "." + name) { return .getsAttribute }
    if codeMakers[package]?.contains(last) == true { return .makesCode }
    if harmless[module]?.contains(name) == true { return .opaque }
    if systemModules.contains(package) || anyOf.contains(where: { isIn($0, modules) }) {
      return .executable
    }
    // A name with dots leads through attributes of what a module has imported: `codecs.os.system`.
    if parts.contains(where: isWayToSystem) { return .executable }
    if module == "builtins" { return builtins.contains(name) ? .executable : .opaque }
    // `six.moves.builtins.eval`
    if modules.dropFirst().contains(where: { systemModules.contains($0) || $0 == "builtins" }),
      builtins.contains(last) || functions.contains(last)
    {
      return .executable
    }
    if package == "torch", torchFunctions.contains(last) { return .executable }
    return names[module]?.contains(name) == true ? .executable : .opaque
  }

  /// Whether an attribute of this name leads from any object to all that Python can do.
  static func isWayToSystem(_ attribute: String) -> Bool {
    systemModules.contains(attribute) || functions.contains(attribute)
      || ["__builtins__", "__builtin__", "builtins"].contains(attribute)
      || attribute.hasPrefix("__") && attribute.hasSuffix("__") && attribute.utf8.count > 4
        && !harmlessAttributes.contains(attribute)
  }

  private static let harmlessAttributes: Set<String> = [
    "__call__", "__doc__", "__module__", "__name__", "__qualname__", "__version__",
  ]

  private static func isIn(_ module: String, _ modules: [String]) -> Bool {
    let parts = module.split(separator: ".").map(String.init)
    return modules.starts(with: parts)
  }

  /// Modules that reach the system, whatever function is taken from them.
  private static let systemModules: Set<String> = [
    "os", "posix", "posixpath", "nt", "ntpath", "sys", "subprocess", "_posixsubprocess",
    "importlib",
    "_frozen_importlib", "_imp", "imp", "runpy", "pty", "socket", "_socket", "shutil", "ctypes",
    "_ctypes", "popen2", "commands",
  ]

  /// What takes an attribute of an object, by a name among its arguments.
  private static let attributeGetters: Set<String> = [
    "builtins.getattr", "operator.attrgetter", "_operator.attrgetter", "operator.methodcaller",
    "_operator.methodcaller",
  ]

  /// What makes functions of code that is in a file, and modules: what is called of these is not known.
  private static let codeMakers: [String: Set<String>] = [
    "cloudpickle": [
      "_make_function", "_make_skel_func", "_fill_function", "dynamic_subimport", "subimport",
    ],
    "dill": ["_create_function", "_create_code", "_get_attr", "_import_module"],
  ]

  /// Packages that write functions and classes into pickles: their own calls take such things as arguments.
  static let codeWriters: Set<String> = Set(codeMakers.keys)

  /// Records of numbers among the names of such modules.
  private static let harmless: [String: Set<String>] = [
    "copyreg": ["_reconstructor", "__newobj__", "__newobj_ex__"],
    "os": ["stat_result", "terminal_size", "PathLike"],
    "posix": ["stat_result", "terminal_size"],
    "sys": ["maxsize", "float_info", "version_info"],
    "socket": ["AddressFamily", "SocketKind"],
    "subprocess": ["CalledProcessError", "CompletedProcess", "TimeoutExpired"],
    "multiprocessing.context": ["AuthenticationError"],
  ]

  /// Functions that run commands or programs, by whatever way they are reached.
  private static let functions: Set<String> = [
    "system", "popen", "Popen", "execv", "execve", "execvp", "execl", "spawnl", "spawnv", "spawnvp",
    "posix_spawn", "getoutput", "getstatusoutput", "check_output", "check_call", "import_module",
    "_run_code", "run_path", "run_module", "rmtree",
  ]

  private static let builtins: Set<String> = [
    "__import__", "apply", "breakpoint", "compile", "delattr", "eval", "exec", "execfile", "exit",
    "file", "globals", "help", "input", "locals", "open", "quit", "raw_input", "reload", "setattr",
  ]

  /// Modules that no user has under the same name, and none of whose functions a checkpoint calls.
  private static let anyOf = [
    "_aix_support", "_bootsubprocess", "_osx_support", "_pyrepl", "_thread", "aiohttp",
    "antigravity",
    "asyncio", "cffi", "cgitb", "codeop", "distutils", "ensurepip", "ftplib", "http.client",
    "http.server", "httplib", "idlelib", "imaplib", "lib2to3", "logging.config", "marshal",
    "multiprocessing", "nntplib", "numpy.distutils", "numpy.f2py", "numpy.testing._private.utils",
    "pip", "poplib", "pydoc", "pyximport", "requests", "rlcompleter", "setuptools", "shelve",
    "smtplib", "socketserver", "telnetlib", "tempfile", "test.support", "torch._dynamo.guards",
    "torch._inductor.codecache", "torch.distributed.rpc", "torch.fx.experimental.symbolic_shapes",
    "torch.hub", "torch.jit.unsupported_tensor_ops", "torch.package", "torch.utils.collect_env",
    "torch.utils.cpp_extension", "urllib.request", "urllib2", "urllib3", "webbrowser", "wsgiref",
    "xmlrpc", "zipimport",
  ]

  /// Functions of modules whose other names are harmless, or whose name a user's module may have.
  private static let names: [String: Set<String>] = [
    "_io": files, "io": files, "codecs": ["open"], "fileinput": ["input", "FileInput"],
    "_pickle": loaders, "cPickle": loaders, "pickle": loaders, "dill": loaders,
    "dill._dill": loaders,
    "cloudpickle": loaders, "cloudpickle.cloudpickle": loaders, "joblib": loaders,
    "joblib.numpy_pickle": loaders, "jsonpickle": loaders.union(["decode"]),
    "yaml": ["load", "load_all", "unsafe_load", "unsafe_load_all", "full_load"],
    "pandas": ["read_pickle", "eval"], "pandas.io.pickle": ["read_pickle"],
    "numpy": [
      "load", "fromfile", "loadtxt", "genfromtxt", "memmap", "save", "savetxt", "savez",
    ],
    "bdb": ["Bdb"], "cProfile": ["run", "runctx"], "profile": ["run", "runctx", "Profile"],
    "code": ["interact", "InteractiveConsole", "InteractiveInterpreter", "compile_command"],
    "doctest": ["debug_script", "debug_src", "run_docstring_examples", "testfile", "testmod"],
    "linecache": ["getline", "getlines", "updatecache"],
    "pdb": ["Pdb", "run", "runcall", "runctx", "runeval", "pm", "set_trace"],
    "pkgutil": ["find_loader", "get_data", "get_loader", "resolve_name"],
    "platform": ["popen", "_syscmd_file", "_syscmd_ver"],
    "pickletools": ["dis", "genops"], "sched": ["scheduler"],
    "signal": ["alarm", "pthread_kill", "raise_signal", "signal"],
    "site": ["addpackage", "addsitedir", "execsitecustomize", "execusercustomize", "main"],
    "threading": ["Thread", "Timer", "_start_new_thread"],
    "timeit": ["Timer", "default_timer", "main", "repeat", "timeit"],
    "trace": ["Trace", "main"],
    "types": ["CodeType", "FunctionType", "LambdaType", "ModuleType", "MethodType"],
    "unittest": ["TestProgram", "main"], "uuid": ["_get_command_stdout", "_popen"],
    "copyreg": ["add_extension", "constructor", "pickle"],
    "random": ["_os"], "collections": ["_itemgetter", "_sys"],
    "functools": ["partialmethod", "singledispatch"],
  ]

  private static let files: Set<String> = ["FileIO", "open", "open_code"]
  private static let loaders: Set<String> = [
    "Unpickler", "_Unpickler", "_load", "_loads", "load", "load_module", "load_session", "loads",
  ]

  /// What of PyTorch itself reads other files, or compiles and runs what it is given.
  private static let torchFunctions: Set<String> = [
    "load", "_load", "_legacy_load", "load_library", "load_inline", "load_state_dict_from_url",
    "download_url_to_file", "compile", "exec", "eval", "run", "system", "popen", "save",
    "import_ir_module", "from_file", "_new_with_file", "load_url", "script", "_exec_with_source",
    "_forward_from_src", "_run_function", "classes",
  ]
}
