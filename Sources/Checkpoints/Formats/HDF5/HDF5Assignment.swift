import HDF5Format
import TensorCore

/// Which tensors the datasets of a file get, and which paths no longer lead to what they did.
///
/// A dataset keeps those of its paths whose tensors have its values in the output, too. A path whose tensor has
/// other values parts from it: its link goes, and the tensor gets a dataset of its own.
struct HDF5Assignment {
  /// What a dataset gets.
  struct Place {
    /// The path by which the dataset is found: its own one, or that of a hard link that stays.
    let path: String
    /// The tensor, counted in the map.
    let tensor: Int
  }

  /// What each dataset of the catalogue gets; nil for those that go, and for those that are no tensors.
  private(set) var places: [Place?] = []
  /// The paths of links, and of datasets that stay under another path, that go.
  private(set) var broken: Set<ExactString> = []
  /// For each tensor whether it stands at a path of the file that stays.
  private(set) var isPlaced: [Bool]
  /// The paths of tensors whose links go, which they have in the output again.
  private(set) var paths: [Int: String] = [:]

  private let file: HDF5File
  private let weights: WeightMap
  /// For each tensor the first one with the same values.
  private let groups: [Int]
  private let isUntied: Bool

  /// - Parameter unties: whether each path gets a dataset of its own.
  init(of weights: WeightMap, to file: HDF5File, unties: Bool) {
    self.file = file
    self.weights = weights
    isUntied = unties
    groups = file.names.hasAliases ? TiedTensors(weights).groups : []
    isPlaced = [Bool](repeating: false, count: weights.count)
    var before: Int
    repeat {
      before = broken.count
      places = file.names.names.indices.map { place(of: $0) }
      for number in file.names.names.indices { breakLinks(to: number) }
    } while broken.count > before
    for (number, names) in file.names.names.enumerated()
    where file.catalogue.datasets[number].isTensor {
      for name in names {
        guard let tensor = weights.position(of: name.text) else { continue }
        isPlaced[tensor] = stays(name, of: number)
        paths[tensor] = name.path
      }
    }
  }

  /// Whether all paths of all tensors stay.
  var isWhole: Bool { broken.isEmpty && isPlaced.allSatisfy(\.self) }

  private func place(of number: Int) -> Place? {
    guard file.catalogue.datasets[number].isTensor else { return nil }
    for name in file.names.names[number] where name.alias?.isHardLink ?? true {
      if let tensor = weights.position(of: name.text) {
        return Place(path: name.path, tensor: tensor)
      }
    }
    return nil
  }

  /// Breaks the first link of each path that would lead to other than what the output has there.
  private mutating func breakLinks(to number: Int) {
    guard file.names.names[number].count > 1, file.catalogue.datasets[number].isTensor else {
      return
    }
    for name in file.names.names[number] {
      let isRight =
        weights.position(of: name.text) == nil
        ? vanishes(name, of: number) : stays(name, of: number)
      if !isRight { broken.insert(ExactString(name.alias?.links[0] ?? name.path)) }
    }
  }

  /// Whether a path leads to the values of the tensor of its name.
  private func stays(_ name: HDF5TensorNames.Name, of number: Int) -> Bool {
    guard let place = places[number], let tensor = weights.position(of: name.text) else {
      return false
    }
    if ExactString(name.path) == ExactString(place.path) { return true }
    guard let alias = name.alias else { return false }
    return leads(alias, to: place, of: number) && !isUntied && areSame(tensor, place.tensor)
  }

  /// Whether a path is gone once the links that are broken are.
  private func vanishes(_ name: HDF5TensorNames.Name, of number: Int) -> Bool {
    guard let alias = name.alias else { return places[number] == nil }
    if let place = places[number] { return !leads(alias, to: place, of: number) }
    // Where the dataset goes, soft links to it would stay.
    return alias.isHardLink || alias.path != alias.links[0]
      || broken.contains(ExactString(alias.path))
  }

  /// Whether a path still leads to its dataset: not once a link on the way goes, and only hard links do without the
  /// dataset's own path.
  private func leads(_ alias: DatasetAlias, to place: Place, of number: Int) -> Bool {
    let hasOwnPath =
      ExactString(place.path) == ExactString(file.catalogue.datasets[number].path)
    return (hasOwnPath || alias.isHardLink)
      && !alias.links.contains { broken.contains(ExactString($0)) }
  }

  private func areSame(_ first: Int, _ second: Int) -> Bool {
    groups[first] == groups[second]
      || weights.tensors[first].info.byteCount == 0
        && weights.tensors[first].isAlike(weights.tensors[second])
  }
}
