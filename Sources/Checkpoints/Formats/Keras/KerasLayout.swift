import HDF5Format
import TensorCore

/// What Keras means by the groups and attributes of an HDF5 file.
///
/// Legacy files (`.h5`) list their layers and weights in attributes; the paths hold the layers' names. Files of
/// Keras 3 (`.weights.h5`, and inside of `.keras`) number variables in groups that are named after classes, and
/// keep the layers' names in attributes.
struct KerasLayout {
  /// The names of the layers by the path of their group, where paths do not tell them.
  let layerNames: [ExactString: String]
  /// The names of all that has numbered variables, by its path: layers, optimizers, metrics.
  let ownerNames: [ExactString: String]
  /// The paths of the weights of each layer in the order of the model, where the file tells it.
  let weightLists: [(layer: String, paths: [String])]
  /// The paths of the optimizer's state in the order of the model.
  private let optimizerOrder: [String]

  init(_ catalogue: HDF5Catalogue) {
    var layerNames: [ExactString: String] = [:]
    var ownerNames: [ExactString: String] = [:]
    for group in catalogue.groups where group.path == "vars" || group.path.hasSuffix("/vars") {
      guard let name = catalogue.texts[group.object]?["name"]?.first else { continue }
      let path = String(group.path.dropLast("/vars".count)).withSlashes
      ownerNames[ExactString(path)] = name
      // Optimizers and metrics have names as well, which change from run to run.
      if path.hasPrefix("layers/") || path.hasPrefix("_layer_checkpoint_dependencies/") {
        layerNames[ExactString(path)] = name
      }
    }
    self.layerNames = layerNames
    self.ownerNames = ownerNames
    let lists = KerasLists(catalogue)
    weightLists = lists.layers.map { ($0.name, $0.weights) }
    optimizerOrder = lists.optimizer
  }

  /// Puts tensors into the order of the model; those that it does not list come behind.
  func ordered(_ tensors: [Tensor]) -> [Tensor] {
    let order = weightLists.flatMap(\.paths) + optimizerOrder
    if order.isEmpty { return tensors }
    let positions = Dictionary(
      order.enumerated().map { (ExactString($1), $0) }, uniquingKeysWith: { first, _ in first })
    let places = tensors.map { positions[ExactString($0.info.name)] ?? Int.max }
    return tensors.indices.sorted { (places[$0], $0) < (places[$1], $1) }.map { tensors[$0] }
  }
}

/// The lists of layers and weights in the attributes of a legacy file.
struct KerasLists {
  /// A layer, where its group is, and its weights.
  struct Layer {
    let name: String
    let group: String
    let weights: [String]
  }

  /// Where the lists are: the path of the group that has `layer_names`, empty for the root.
  private(set) var root = ""
  /// The layers in the order of the model.
  private(set) var layers: [Layer] = []
  /// The paths of the optimizer's state in its order.
  private(set) var optimizer: [String] = []

  /// The group of the optimizer's state.
  static let optimizerGroup = "optimizer_weights"

  init(_ catalogue: HDF5Catalogue) {
    let objects = Dictionary(
      catalogue.groups.map { (ExactString($0.path), $0.object) }, uniquingKeysWith: { $1 })
    for root in ["", "model_weights"] {
      guard let object = objects[ExactString(root)] else { continue }
      let prefix = root.isEmpty ? "" : root + "/"
      let names = catalogue.list("layer_names", of: object)
      // Weights of the model itself come behind those of its layers, and are listed nowhere else.
      let extra = "top_level_model_weights"
      for layer in names + (names.isEmpty ? [] : [extra]) {
        guard let group = objects[ExactString(prefix + layer)] else { continue }
        let weights = catalogue.list("weight_names", of: group)
        layers.append(
          Layer(
            name: layer, group: prefix + layer,
            weights: weights.map { prefix + layer + "/" + $0 }))
      }
      if !layers.isEmpty {
        self.root = root
        break
      }
    }
    if let object = objects[ExactString(KerasLists.optimizerGroup)] {
      optimizer = catalogue.list("weight_names", of: object).map {
        KerasLists.optimizerGroup + "/" + $0
      }
    }
  }
}

extension HDF5Catalogue {
  /// The attributes that hold a list; Keras splits one that is too long into `NAME0`, `NAME1`, ….
  func listAttributes(_ name: String, of object: Int) -> [String] {
    guard let attributes = texts[object] else { return [] }
    if attributes[name] != nil { return [name] }
    var names: [String] = []
    while attributes[name + String(names.count)] != nil {
      names.append(name + String(names.count))
    }
    return names
  }

  /// The texts of a list.
  func list(_ name: String, of object: Int) -> [String] {
    listAttributes(name, of: object).flatMap { texts[object]?[$0] ?? [] }
  }
}
