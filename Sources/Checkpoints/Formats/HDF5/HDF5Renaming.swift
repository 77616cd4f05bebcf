import HDF5Format
import TensorCore

/// New paths for the objects of a file whose tensors get other names: groups move with what is in them.
///
/// Old and new names have the same number of components, and each group becomes one group. Lists of layers and weights
/// in Keras's attributes follow.
struct HDF5Renaming: Sendable {
  /// An object and its new path; others in the same group may have moved before, groups around it have not.
  struct Move: Sendable {
    let path: String
    let newPath: String
  }

  /// An attribute with other texts.
  struct List: Sendable {
    let group: String
    let attribute: String
    let texts: [String]
  }

  /// What moves, in this order: inner objects before the groups that they are in.
  private(set) var moves: [Move] = []
  /// The lists that change.
  private(set) var lists: [List] = []

  /// The new path of each object that a tensor's name tells one for, by its old one.
  private var newPaths: [ExactString: String] = [:]

  /// Plans the moves.
  ///
  /// - Parameters:
  ///   - newNames: the new names of tensors by their old ones.
  ///   - names: the old names.
  /// - Returns: nil when groups would be split or joined.
  init?(_ newNames: [ExactString: String], _ names: HDF5TensorNames, in catalogue: HDF5Catalogue) {
    for name in names.names.joined() where name.alias.map({ $0.path == $0.links[0] }) ?? true {
      guard let number = names.number(of: name.path), catalogue.datasets[number].isTensor else {
        continue
      }
      guard add(name.path, newNames[ExactString(name.text)] ?? name.path) else { return nil }
    }
    guard addMoves(catalogue) else { return nil }
    addLists(catalogue)
  }

  /// Where an object is in the new file.
  func newPath(of path: String) -> String {
    if let known = newPaths[ExactString(path)] { return known }
    // What no tensor's name tells of stays in its group, wherever that goes.
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return newPath(of: String(path[..<slash])) + path[slash...]
  }

  /// Notes a tensor's new path, and those of the groups on the way.
  private mutating func add(_ path: String, _ newPath: String) -> Bool {
    let (old, new) = (path.enclosingGroups + [path], newPath.enclosingGroups + [newPath])
    guard old.count == new.count else { return false }
    for (old, new) in zip(old, new) {
      let known = newPaths.updateValue(new, forKey: ExactString(old))
      if let known, ExactString(known) != ExactString(new) { return false }
    }
    return true
  }

  /// Orders the moves; false when two objects would have one path.
  private mutating func addMoves(_ catalogue: HDF5Catalogue) -> Bool {
    let paths =
      catalogue.groups.map(\.path).filter { !$0.isEmpty } + catalogue.datasets.map(\.path)
      + catalogue.links.map(\.path) + catalogue.unread.map(\.path)
    guard Set(paths.map { ExactString(newPath(of: $0)) }).count == paths.count else { return false }
    let taken = Set(paths.map { ExactString($0) })
    var last: [Move] = []
    for path in paths.sorted(by: { $0.enclosingGroups.count > $1.enclosingGroups.count }) {
      let parent = path.enclosingGroups.last.map { $0 + "/" } ?? ""
      let target = parent + newPath(of: path).lastName
      guard target != path else { continue }
      if taken.contains(ExactString(target)) {
        // Its new name is still that of another one, which may in turn get this one's.
        let between = parent + ".imwa-moving-\(last.count)"
        moves.append(Move(path: path, newPath: between))
        last.append(Move(path: between, newPath: target))
      } else {
        moves.append(Move(path: path, newPath: target))
      }
    }
    // Groups move last, so what moved within them twice is done before.
    moves = (moves + last).enumerated().sorted { first, second in
      let (a, b) = (
        first.element.path.enclosingGroups.count, second.element.path.enclosingGroups.count
      )
      return a != b ? a > b : first.offset < second.offset
    }.map(\.element)
    return true
  }

  private mutating func addLists(_ catalogue: HDF5Catalogue) {
    let lists = KerasLists(catalogue)
    if !lists.layers.isEmpty {
      addList("layer_names", of: lists.root, in: catalogue)
      for layer in lists.layers { addList("weight_names", of: layer.group, in: catalogue) }
    }
    if !lists.optimizer.isEmpty {
      addList("weight_names", of: KerasLists.optimizerGroup, in: catalogue)
    }
  }

  /// Changes paths in a list that are relative to its group.
  private mutating func addList(_ name: String, of group: String, in catalogue: HDF5Catalogue) {
    guard let object = catalogue.groups.first(where: { $0.path == group })?.object else { return }
    let prefix = group.isEmpty ? "" : group + "/"
    let newPrefix = group.isEmpty ? "" : newPath(of: group) + "/"
    for attribute in catalogue.listAttributes(name, of: object) {
      let texts = catalogue.texts[object]?[attribute] ?? []
      let newTexts = texts.map { text in
        let path = newPath(of: prefix + text)
        return path.hasPrefix(newPrefix) ? String(path.dropFirst(newPrefix.count)) : text
      }
      if newTexts != texts {
        self.lists.append(List(group: group, attribute: attribute, texts: newTexts))
      }
    }
  }
}

extension String {
  /// The last component of a path.
  fileprivate var lastName: String {
    utf8.lastIndex(of: UInt8(ascii: "/")).map { String(self[utf8.index(after: $0)...]) } ?? self
  }
}
