import HDF5Format
import TensorCore

/// What a new file does not have of its source: datasets that are left out, and groups where nothing stays.
///
/// Links are followed: a group can be in many groups.
struct HDF5Removal {
  private let links: [(path: String, object: Int)]
  private let groupObjects: [String: Int]
  /// Objects that something stays of.
  private var keptObjects: Set<Int> = []
  /// Groups that something stays in.
  private var needed: Set<String> = [""]
  private var gone: [String] = []
  private var emptied: Set<String> = []

  /// - Parameter kept: the paths of the datasets that stay.
  init(from catalogue: HDF5Catalogue, keeping kept: Set<String>) {
    links = catalogue.links.compactMap { link in
      if case .hard(let path, let object) = link { (path, object) } else { nil }
    }
    groupObjects = Dictionary(
      catalogue.groups.map { ($0.path, $0.object) }, uniquingKeysWith: { first, _ in first })
    let removed = catalogue.datasets.filter { !kept.contains($0.path) }
    if removed.isEmpty { return }
    for dataset in catalogue.datasets where kept.contains(dataset.path) { keep(dataset) }
    keepLinks()
    remove(removed)
  }

  private mutating func keep(_ dataset: HDF5Catalogue.Dataset) {
    keptObjects.insert(dataset.object)
    keep(dataset.path.enclosingGroups)
  }

  private mutating func keep(_ groups: [String]) {
    for group in groups where needed.insert(group).inserted {
      if let object = groupObjects[group] { keptObjects.insert(object) }
    }
  }

  /// A group stays for the link to what stays, and with it the links to the group.
  private mutating func keepLinks() {
    var count: Int
    repeat {
      count = needed.count
      for link in links where keptObjects.contains(link.object) { keep(link.path.enclosingGroups) }
    } while needed.count > count
  }

  /// Datasets go with all links to them, and so do groups that they leave behind empty.
  private mutating func remove(_ datasets: [HDF5Catalogue.Dataset]) {
    var objects = Set(datasets.map(\.object))
    gone = datasets.map(\.path)
    var count: Int
    repeat {
      count = objects.count
      let linked = links.filter { objects.contains($0.object) }.map(\.path)
      emptied = Set((gone + linked).flatMap(\.enclosingGroups)).subtracting(needed)
      objects.formUnion(emptied.compactMap { groupObjects[$0] })
    } while objects.count > count
    gone += links.filter { objects.contains($0.object) }.map(\.path)
  }

  /// The outermost of what goes: a group goes with all that is in it.
  var paths: [String] {
    emptied.union(gone).filter { path in
      !path.enclosingGroups.contains { emptied.contains($0) }
    }.sorted { ExactString($0) < ExactString($1) }
  }
}
