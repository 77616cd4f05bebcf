/// An object of `torch.nn.Module` in a pickle: its state names all of its tensors, whatever its class is.
struct PickledModule {
  /// The class, by its module and name.
  let className: String
  /// The dictionaries of parameters, of buffers and of the modules in it.
  let parameters, buffers, modules: PickleValue
  /// The buffers that `state_dict()` leaves out.
  let transientBuffers: Set<String>

  /// Whether its running statistics are those of a normalisation.
  var isNormalization: Bool {
    let name = className.split(separator: ".").last ?? ""
    return name.contains("BatchNorm") || name.contains("InstanceNorm")
  }
}

extension PickleTree {
  /// The module that a value is; nil for others.
  func module(_ value: PickleValue) -> PickledModule? {
    guard let object = object(value), object.kind == .call, object.isOpaque,
      let attributes = attributes(of: value)
    else { return nil }
    var found: [String: PickleValue] = [:]
    for position in stride(from: attributes.startIndex, to: attributes.endIndex - 1, by: 2) {
      // Names of attributes are short; only four of them matter.
      guard case .text(let piece) = attributes[position],
        PickleTree.moduleAttributes.contains(where: { $0.utf8.count == piece.count }),
        let name = text(attributes[position]), PickleTree.moduleAttributes.contains(name)
      else { continue }
      found[name] = attributes[position + 1]
    }
    guard let parameters = found["_parameters"], let modules = found["_modules"],
      keyedItems(of: parameters) != nil, keyedItems(of: modules) != nil
    else { return nil }
    let transient = found["_non_persistent_buffers_set"].map { members(ofSet: $0) } ?? []
    return PickledModule(
      className: opaqueClass(value) ?? "torch.nn.Module", parameters: parameters,
      buffers: found["_buffers"] ?? .none, modules: modules,
      transientBuffers: Set(transient.compactMap { text($0) }))
  }

  private static let moduleAttributes = [
    "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set",
  ]

  /// The members of a set, which protocol 2 makes of a list.
  private func members(ofSet value: PickleValue) -> ArraySlice<PickleValue> {
    if let object = object(value), object.kind == .set { return items(of: object) }
    guard let (callable, arguments) = call(value), callable.name == "builtins.set",
      let list = arguments.first.flatMap({ object($0) }), list.kind == .list
    else { return [] }
    return items(of: list)
  }
}
