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
  /// The paths of the weights in the order of the model, where the file tells it.
  let weightOrder: [String]

  init(_ catalogue: HDF5Catalogue) {
    let objects = Dictionary(
      catalogue.groups.map { (ExactString($0.path), $0.object) }, uniquingKeysWith: { $1 })
    var layerNames: [ExactString: String] = [:]
    for group in catalogue.groups where group.path.hasSuffix("/vars") {
      guard let name = catalogue.texts[group.object]?["name"]?.first else { continue }
      let path = String(group.path.dropLast("/vars".count))
      // Optimizers and metrics have names as well, which change from run to run.
      if path.hasPrefix("layers/") || path.hasPrefix("_layer_checkpoint_dependencies/") {
        layerNames[ExactString(path)] = name
      }
    }
    self.layerNames = layerNames
    var order: [String] = []
    for root in ["", "model_weights"] {
      guard let object = objects[ExactString(root)] else { continue }
      let prefix = root.isEmpty ? "" : root + "/"
      for layer in catalogue.list("layer_names", of: object) {
        guard let group = objects[ExactString(prefix + layer)] else { continue }
        order += catalogue.list("weight_names", of: group).map { prefix + layer + "/" + $0 }
      }
      if !order.isEmpty { break }
    }
    weightOrder = order
  }

  /// Puts tensors into the order of the model; those that it does not list come behind.
  func ordered(_ tensors: [Tensor]) -> [Tensor] {
    if weightOrder.isEmpty { return tensors }
    let positions = Dictionary(
      weightOrder.enumerated().map { (ExactString($1), $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let places = tensors.map { positions[ExactString($0.info.name)] ?? Int.max }
    return tensors.indices.sorted { (places[$0], $0) < (places[$1], $1) }.map { tensors[$0] }
  }
}

extension HDF5Catalogue {
  /// The texts of an attribute; Keras splits a list that is too long for one into `NAME0`, `NAME1`, ….
  fileprivate func list(_ name: String, of object: Int) -> [String] {
    guard let attributes = texts[object] else { return [] }
    if let list = attributes[name] { return list }
    var list: [String] = []
    var number = 0
    while let part = attributes[name + String(number)] {
      list += part
      number += 1
    }
    return list
  }
}
