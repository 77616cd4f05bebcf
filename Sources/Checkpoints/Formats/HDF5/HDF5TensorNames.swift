import HDF5Format
import TensorCore

/// The names that the datasets of a file have as tensors, each dataset's own one first.
///
/// A dataset has as many names as there are paths to it. Where Keras ran on Windows, it joined the names of
/// groups by backslashes: they are slashes to everything that goes by names.
struct HDF5TensorNames: Sendable {
  /// A path of a dataset.
  struct Name: Sendable {
    /// The name of the tensor.
    let text: String
    /// The path in the file.
    let path: String
    /// How the path leads there when it is not the dataset's own.
    let alias: DatasetAlias?
  }

  /// The names of each dataset, in the order of the catalogue.
  let names: [[Name]]
  /// Whether a dataset has more than one name.
  let hasAliases: Bool
  private let numbers: [ExactString: Int]

  /// - Throws: `HDF5Error` when links make too many paths.
  init(_ catalogue: HDF5Catalogue) throws(HDF5Error) {
    let aliases = try catalogue.aliases()
    hasAliases = !aliases.isEmpty
    let paths = catalogue.datasets.map(\.path) + aliases.map(\.path)
    let isWindows = HDF5TensorNames.canReplaceBackslashes(of: paths)
    func name(_ path: String, _ alias: DatasetAlias?) -> Name {
      let text = isWindows && path.isNumberedVariable ? path.withSlashes : path
      return Name(text: text, path: path, alias: alias)
    }
    var names = catalogue.datasets.map { [name($0.path, nil)] }
    for alias in aliases { names[alias.dataset].append(name(alias.path, alias)) }
    self.names = names
    numbers = Dictionary(
      names.enumerated().flatMap { number, names in names.map { (ExactString($0.path), number) } },
      uniquingKeysWith: { first, _ in first })
  }

  private init(names: [[Name]], of other: HDF5TensorNames) {
    self.names = names
    hasAliases = other.hasAliases
    numbers = other.numbers
  }

  /// The same paths, with other names for tensors.
  func renamed(_ newNames: [ExactString: String]) -> HDF5TensorNames {
    let renamed = names.map { names in
      names.map { name in
        Name(
          text: newNames[ExactString(name.text)] ?? name.text, path: name.path, alias: name.alias)
      }
    }
    return HDF5TensorNames(names: renamed, of: self)
  }

  /// The dataset of the catalogue that a path leads to.
  func number(of path: String) -> Int? { numbers[ExactString(path)] }

  /// Whether there are backslashes, and all names still differ without them.
  private static func canReplaceBackslashes(of paths: [String]) -> Bool {
    let isFound = paths.contains {
      $0.utf8.contains(UInt8(ascii: "\\")) && $0.isNumberedVariable
    }
    guard isFound else { return false }
    return Set(paths.map { ExactString($0.withSlashes) }).count == paths.count
  }

  /// The paths of numbers in the order of their names, with the number of their dataset.
  func ordered() -> [(dataset: Int, name: Name)] {
    var all: [(dataset: Int, name: Name)] = []
    for (dataset, names) in names.enumerated() { all += names.map { (dataset, $0) } }
    guard hasAliases else { return all }
    let paths = all.map { NumericPath($0.name.path) }
    return all.indices.sorted { paths[$0] < paths[$1] }.map { all[$0] }
  }
}

extension String {
  /// Whether it is a path of a variable as Keras 3 numbers them: `layers/dense/vars/0`.
  fileprivate var isNumberedVariable: Bool {
    let parts = utf8.split(separator: UInt8(ascii: "/")).suffix(2)
    guard parts.count == 2, let last = parts.last, let group = parts.first else { return false }
    return last.allSatisfy { (0x30...0x39).contains($0) } && group.elementsEqual("vars".utf8)
  }

  /// The same text with slashes for backslashes.
  var withSlashes: String {
    guard utf8.contains(UInt8(ascii: "\\")) else { return self }
    return String(
      decoding: utf8.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }, as: UTF8.self)
  }
}
