import JSONText

/// The layers of a model that are batch normalisations, as its configuration tells.
///
/// Layers in layers (wrappers, blocks, whole models) have their configurations within those of the outer ones.
struct KerasClasses {
  /// The names of layers of the class `BatchNormalization` and of subclasses.
  private(set) var batchNormalizations: Set<String> = []

  /// A configuration larger than this is none.
  private static let mostBytes = 64 << 20

  /// Nothing is known.
  init() {}

  /// Reads a configuration; one that is no JSON tells nothing.
  init(configuration bytes: [UInt8]) {
    // Most models have no such layers, and their configurations can be long.
    guard bytes.count <= KerasClasses.mostBytes,
      bytes.contains(Array(KerasClasses.marker.utf8)),
      let root = try? JSONValue(parsing: bytes, acceptsPythonNumbers: true)
    else { return }
    add(root)
  }

  /// What the configuration of such a layer has, which subclasses inherit.
  private static let marker = "moving_mean_initializer"

  private mutating func add(_ value: JSONValue) {
    switch value {
    case .array(let values): for value in values { add(value) }
    case .object(let members):
      if let config = value["config"], config[KerasClasses.marker] != nil,
        let name = config["name"]?.string
      {
        batchNormalizations.insert(name)
      }
      for member in members { add(member.value) }
    default: break
    }
  }
}

extension [UInt8] {
  /// Whether other bytes are found within these.
  fileprivate func contains(_ other: [UInt8]) -> Bool {
    guard let first = other.first else { return true }
    var start = startIndex
    while let place = self[start...].firstIndex(of: first), count - place >= other.count {
      if self[place..<place + other.count].elementsEqual(other) { return true }
      start = place + 1
    }
    return false
  }
}
