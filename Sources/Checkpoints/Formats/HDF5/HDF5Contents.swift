import FileIO
import HDF5Format
import TensorCore

/// What an HDF5 file holds: tensors, tensors that cannot be read, and what is none.
struct HDF5Contents {
  /// The tensors under all their names.
  private(set) var tensors: [Tensor] = []
  /// The tensors, each once.
  private(set) var stored: [Tensor] = []
  /// The tensors whose values are not read.
  private(set) var unreadable: [UnreadableTensor] = []
  /// What is no tensor: texts, records, links to other files.
  private(set) var others: [String] = []

  private let file: HDF5File

  /// Looks at all that is in a file; no values are read.
  init(of file: HDF5File) throws {
    self.file = file
    var tensorOfDataset: [Int: Tensor] = [:]
    for (number, name) in file.names.ordered() {
      let dataset = file.catalogue.datasets[number]
      if let tensor = try tensorOfDataset[number] ?? file.tensor(dataset) {
        if tensorOfDataset.updateValue(tensor, forKey: number) == nil { stored.append(tensor) }
        // Tensors that share a storage are tied.
        tensors.append(
          tensor.info.name == name.text ? tensor : try tensor.renamed(name.text))
      } else if name.alias == nil {
        note(dataset, name.text)
      }
    }
    for object in file.catalogue.unread { unreadable.append(unreadable(object)) }
    for case .foreign(let path, let kind) in file.catalogue.links {
      others.append("'\(path)' (\(kind) link)")
    }
  }

  /// Notes a dataset whose values are not those of a tensor.
  private mutating func note(_ dataset: HDF5Catalogue.Dataset, _ name: String) {
    switch dataset.type {
    case .other(let kind): others.append("'\(name)' (\(kind))")
    case .unreadNumbers(let kind):
      unreadable.append(
        UnreadableTensor(
          name: name, reason: "its values are \(kind), which no dtype has",
          hint: rewritingHint(of: dataset.path, value: "v.astype('f4')")))
    case .numbers, .floats, .opaquePairs:
      unreadable.append(
        UnreadableTensor(
          name: name, reason: "its filter is \(dataset.unknownFilter ?? "unknown")",
          hint: rewritingHint(of: dataset.path, value: "v")))
    }
  }

  /// Has h5py write one dataset anew, without filters.
  private func rewritingHint(of path: String, value: String) -> String {
    """
    h5py with hdf5plugin writes it without: python -c "import h5py, hdf5plugin; \
    f = h5py.File('\(file.file.label)', 'r+'); v = f['\(path)'][()]; del f['\(path)']; f['\(path)'] = \(value)"
    """
  }

  private func unreadable(_ object: HDF5Catalogue.Unread) -> UnreadableTensor {
    UnreadableTensor(
      name: object.path, reason: object.sentence,
      hint: HDF5Error.rewritingHint(of: file.file.label))
  }
}
