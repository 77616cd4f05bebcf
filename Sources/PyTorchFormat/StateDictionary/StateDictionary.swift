package import TensorCore

/// The tensors of a checkpoint that are its weights, and what else it holds.
package struct StateDictionary: Sendable {
  /// A tensor under a name.
  package struct Entry: Sendable {
    /// The name: the path from the chosen part, or for what is beside it from the root.
    package let name: String
    /// How it looks at its storage.
    package let view: TensorView
    /// What the pickle tells that it is; nil where only its name does.
    package let role: TensorRole?
    /// Where it stands: the collection, and the place of the value in it. The root has neither.
    let slot: Slot
    /// The key that it stands under there.
    let key: String

    init(name: String, view: TensorView, role: TensorRole?, slot: Slot, key: String) {
      self.name = name
      self.view = view
      self.role = role
      self.slot = slot
      self.key = key
    }

    /// A tensor that is not in the dictionary.
    package init(name: String, view: TensorView) {
      self.init(name: name, view: view, role: nil, slot: .root, key: "")
    }

    func renamed(_ name: String) -> Entry {
      Entry(name: name, view: view, role: role, slot: slot, key: key)
    }
  }

  /// A tensor of the chosen part that is not read.
  package struct Unreadable: Sendable {
    /// The name, and why it is not read.
    package let tensor: UnreadableTensor
    let slot: Slot
  }

  /// A part beside the weights whose tensors are entries, too: state of an optimizer, another copy of the model.
  struct BesidePart: Sendable {
    let path: String
    let slot: Slot
  }

  /// A place of a value in the tree.
  struct Slot: Sendable, Hashable {
    let object: Int32
    let item: Int32

    static let root = Slot(object: -1, item: 0)
  }

  /// The tensors in the order of the pickle.
  package internal(set) var entries: [Entry] = []
  /// How many of the entries are in the chosen part; those of other parts follow.
  package private(set) var chosenCount = 0
  /// The tensors of the chosen part that are not read.
  package internal(set) var unreadable: [Unreadable] = []
  /// What is not among the tensors, by path: `'epoch'`, `'ema' (16 tensors)`.
  package var others: [String] { othersInside + othersBeside }
  /// What is in the chosen part and no tensor.
  package internal(set) var othersInside: [String] = []
  /// What is not in the chosen part, the state of an optimizer among it.
  package internal(set) var outside: [String] = []
  /// Objects of classes that are not understood: `'args' (argparse.Namespace)`.
  package internal(set) var unknown: [String] = []
  /// What a user should know of how names and objects were taken.
  package internal(set) var notices: [String] = []
  /// What was taken away from the front of the names: `module.`.
  package internal(set) var prefix = ""

  /// The collection that the weights are in.
  let container: PickleValue
  /// Objects that are written as dictionaries: modules, and objects that were filled like dictionaries; for modules the
  /// tensors in them by their names in the module.
  private(set) var converted: [Int32: [(name: String, slot: Slot)]] = [:]
  private(set) var parts: [BesidePart] = []
  let file: PyTorchFile
  /// Whether the chosen part is that half of a flat dictionary which holds the averages.
  var isFlatAverage = false
  private var othersBeside: [String] = []

  static let optimizerKeys: Set<String> = [
    "optimizer", "optimizer_state", "optimizer_state_dict", "optimizer_states", "optimizers",
    "optim",
  ]

  /// Finds the weights.
  ///
  /// - Throws: `PyTorchError` when there are none, or a tensor makes no sense.
  package init(of file: PyTorchFile, choice: StateChoice) throws {
    self.file = file
    let finder = StateFinder(file)
    let found = try finder.find(choice)
    container = found.value
    var walk = StateWalk(file)
    try walk.add(found.value, name: "", role: nil)
    take(walk)
    if choice.prefersAverage { chooseFlatAverage() }
    if choice.key != "." { stripWrappers() }
    if entries.isEmpty && unreadable.isEmpty { try refuseWithoutTensors(found) }
    chosenCount = entries.count
    let inside = described(in: found.value, found.path.joined(separator: "."))
    if isFlatAverage {
      outside += inside
      othersBeside += outside
    } else {
      othersInside += inside
    }
    for other in found.others { try addOther(other, takesCopies: choice.takesCopies) }
    try collectUnknown()
    try checkForWeights()
  }

  /// Takes over what a walk has found.
  private mutating func take(_ walk: StateWalk) {
    entries += walk.entries
    unreadable += walk.unreadable
    converted.merge(walk.converted) { first, _ in first }
  }

  // MARK: - Beside the weights

  /// Adds the state of an optimizer and, when asked for, other copies of the model; what else there is, is described.
  private mutating func addOther(_ other: StateFinder.Part, takesCopies: Bool) throws {
    let text = described(other.value, other.path)
    outside += text
    let isOptimizer =
      StateDictionary.optimizerKeys.contains(other.path)
      || file.tree.isOptimizerState(other.value)
    if isOptimizer, file.tree.firstTensor(below: other.value) != nil {
      try addBeside(other, role: .optimizerState)
    } else if takesCopies {
      let copies = copies(in: other, depth: 0)
      for copy in copies { try addBeside(copy, role: .movingAverage) }
      // What else is around copies is described without them.
      if !copies.contains(where: { $0.path == other.path }) { othersBeside += text }
    } else {
      othersBeside += text
    }
  }

  private mutating func addBeside(_ part: StateFinder.Part, role: TensorRole) throws {
    var walk = StateWalk(file)
    try walk.add(part.value, name: part.path, role: role)
    // What is not read beside the weights is carried over like all that is no weight.
    walk.unreadable = []
    take(walk)
    parts.append(BesidePart(path: part.path, slot: part.slot))
    othersBeside += described(in: part.value, part.path)
  }

  private static let maximumCopyDepth = 5

  private func copies(in part: StateFinder.Part, depth: Int) -> [StateFinder.Part] {
    guard file.tree.isContainer(part.value), file.tree.firstTensor(below: part.value) != nil else {
      return []
    }
    if StateFinder.isCopy(part.key) { return [part] }
    guard depth < StateDictionary.maximumCopyDepth, file.tree.module(part.value) == nil else {
      return []
    }
    return StateFinder(file).parts(of: part.value, below: [part.path])
      .flatMap { copies(in: $0, depth: depth + 1) }
  }

  // MARK: - Without weights

  private func refuseWithoutTensors(_ found: StateFinder.Found) throws {
    if let name = file.tree.opaqueClass(found.value) { throw PyTorchError.wholeObject(name) }
    let isCollection = file.tree.object(found.value).map { $0.isDictionary || $0.kind == .list }
    if isCollection == true {
      let items = file.tree.object(found.value).map { file.tree.items(of: $0) } ?? []
      if let name = items.lazy.compactMap({ file.tree.opaqueClass($0) }).first {
        throw PyTorchError.wholeObject(name)
      }
      // An empty checkpoint is one all the same.
      if found.path.isEmpty && items.isEmpty { return }
    }
    throw PyTorchError.unsupported(
      found.path.isEmpty
        ? "it holds no tensors"
        : "there are no tensors under '\(found.path.joined(separator: "."))'")
  }

  /// Refuses files whose weights are elsewhere: in other files, or in objects that are left out.
  private func checkForWeights() throws {
    let elementCount = entries.prefix(chosenCount).reduce(0) { sum, entry in
      entry.view.dtype.isAveraged ? sum + entry.view.shape.elementCount : sum
    }
    let keys = StateFinder(file).entries(of: file.tree.root).map(\.key)
    if elementCount == 0, chosenCount > 0,
      let mark = ["ds_version", "param_shapes", "ds_config"].first(where: { keys.contains($0) })
    {
      throw PyTorchError.unsupported(
        "its tensors are empty: it is a part of a checkpoint of DeepSpeed ZeRO-3 ('\(mark)'), whose "
          + "values are in the files *_optim_states.pt beside it",
        hint: "put the parts together: python zero_to_fp32.py CHECKPOINT_FOLDER OUTPUT_FOLDER "
          + "(DeepSpeed puts the script into the folder of the checkpoint)")
    }
    guard elementCount == 0, let name = hiddenWeights else { return }
    throw PyTorchError.unsupported(
      "its weights are in an object of the class '\(name)', which is not understood",
      hint: "in Python, load it where its code is, and save the weights: "
        + "torch.save(model.state_dict(), …)")
  }
}
