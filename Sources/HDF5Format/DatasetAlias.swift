import TensorCore

/// A further path of a dataset: a hard or soft link to it, or what a link to a group leads to.
public struct DatasetAlias: Sendable, Hashable {
  /// The path without the leading slash.
  public let path: String
  /// Which dataset of the catalogue it leads to.
  public let dataset: Int
  /// The links that the path leads through, each by the path that the walk met it at, the first one first.
  public let links: [String]
  /// Whether the path is that of a hard link to the dataset, which is as good a name as its own.
  public let isHardLink: Bool
}

extension HDF5Catalogue {
  /// The further paths of all datasets.
  ///
  /// - Throws: `HDF5Error` when links to groups multiply into more paths than a model has.
  public func aliases() throws(HDF5Error) -> [DatasetAlias] {
    if links.isEmpty { return [] }
    var finder = AliasFinder(self)
    return try finder.aliases()
  }
}

/// Follows the links of a file.
private struct AliasFinder {
  /// What a name in a group leads to.
  private enum Target {
    case object(Int)
    case soft(String)
  }

  private struct Entry {
    let name: String
    let target: Target
    /// The path of a link; nil for the path that is the object's own.
    let link: String?
    let isHardLink: Bool
  }

  /// A path that is being followed into a group.
  private struct Step {
    let object: Int
    let path: String
    let links: [String]
    /// The groups that the path leads through: a group that holds itself has paths without end.
    let groups: Set<Int>
  }

  /// More steps than any file of a model needs: groups in groups can be linked so that paths double with each.
  private static let mostSteps = 1 << 18
  /// A path that leads through more links leads in a circle.
  private static let mostLinks = 32

  private var entries: [Int: [Entry]] = [:]
  /// The places in `entries` by names.
  private var places: [Int: [ExactString: Int]] = [:]
  private var datasetOfObject: [Int: Int] = [:]
  private var groupPaths: [Int: String] = [:]
  private var groupOfPath: [ExactString: Int] = [:]
  private var steps = 0

  init(_ catalogue: HDF5Catalogue) {
    for group in catalogue.groups {
      groupPaths[group.object] = group.path
      groupOfPath[ExactString(group.path)] = group.object
    }
    for group in catalogue.groups where !group.path.isEmpty {
      add(group.path, .object(group.object), isLink: false)
    }
    for (index, dataset) in catalogue.datasets.enumerated() {
      datasetOfObject[dataset.object] = index
      add(dataset.path, .object(dataset.object), isLink: false)
    }
    for link in catalogue.links {
      switch link {
      case .hard(let path, let object): add(path, .object(object), isLink: true)
      case .soft(let path, let target): add(path, .soft(target), isLink: true)
      case .foreign: break
      }
    }
  }

  private mutating func add(_ path: String, _ target: Target, isLink: Bool) {
    let (parent, name) = path.parentAndName
    guard let group = groupOfPath[ExactString(parent)] else { return }
    var isHardLink = isLink
    if case .soft = target { isHardLink = false }
    places[group, default: [:]][ExactString(name)] = entries[group]?.count ?? 0
    entries[group, default: []].append(
      Entry(name: name, target: target, link: isLink ? path : nil, isHardLink: isHardLink))
  }

  mutating func aliases() throws(HDF5Error) -> [DatasetAlias] {
    var found: [DatasetAlias] = []
    for (group, path) in groupPaths.sorted(by: { $0.key < $1.key }) {
      for entry in entries[group] ?? [] {
        guard let link = entry.link else { continue }
        let start = Step(object: group, path: path, links: [], groups: groups(on: path))
        try follow(entry, of: start, as: link, into: &found)
      }
    }
    return found
  }

  /// Adds what an entry of a group leads to, with everything in it.
  private mutating func follow(
    _ entry: Entry, of start: Step, as path: String, into found: inout [DatasetAlias]
  ) throws(HDF5Error) {
    var pending: [(entry: Entry, step: Step, path: String)] = [(entry, start, path)]
    while let (entry, step, path) = pending.popLast() {
      steps += 1
      guard steps <= AliasFinder.mostSteps else {
        throw HDF5Error(
          .refused, "its links give its datasets more than \(AliasFinder.mostSteps) paths",
          hint: "groups that hold each other under several names multiply paths: remove such links")
      }
      var links = step.links
      guard let object = object(of: entry, in: step.object, through: &links) else { continue }
      if let dataset = datasetOfObject[object] {
        found.append(
          DatasetAlias(
            path: path, dataset: dataset, links: links,
            isHardLink: entry.isHardLink && links.count == 1))
      } else if groupPaths[object] != nil, !step.groups.contains(object) {
        let inner = Step(
          object: object, path: path, links: links, groups: step.groups.union([object]))
        for child in (entries[object] ?? []).reversed() {
          pending.append((child, inner, path + "/" + child.name))
        }
      }
    }
  }

  private func groups(on path: String) -> Set<Int> {
    var groups: Set<Int> = [HDF5Catalogue.rootObject]
    var path = path
    while !path.isEmpty {
      if let group = groupOfPath[ExactString(path)] { groups.insert(group) }
      path = path.parentAndName.parent
    }
    return groups
  }

  /// The object that an entry leads to, adding the links on the way; nil when that is not in the file.
  private func object(of entry: Entry, in group: Int, through links: inout [String]) -> Int? {
    guard links.count <= AliasFinder.mostLinks else { return nil }
    if let link = entry.link { links.append(link) }
    switch entry.target {
    case .object(let object): return object
    case .soft(let target):
      var current = target.hasPrefix("/") ? HDF5Catalogue.rootObject : group
      for name in target.split(separator: "/") where name != "." {
        guard let place = places[current]?[ExactString(String(name))],
          let next = entries[current]?[place],
          let object = object(of: next, in: current, through: &links)
        else { return nil }
        current = object
      }
      return current
    }
  }
}

extension String {
  /// The path of the group that a path is in, and the last name.
  fileprivate var parentAndName: (parent: String, name: String) {
    guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", self) }
    return (String(self[..<slash]), String(self[utf8.index(after: slash)...]))
  }
}
