import FileIO
import SystemPackage
import TensorCore

/// A model whose weights are in several places of a folder, each of which is a model by itself: `unet/` and `vae/`, a
/// transformer and `2_Dense/`, a backbone and a task.
///
/// The names of the tensors begin with the component: `unet.conv_in.weight`. An output has the same components.
public struct ComponentModel: Sendable {
  /// One of the places.
  struct Component: Sendable {
    /// The path in the folder; empty for the folder itself.
    let folder: String
    /// What the names of its tensors begin with.
    let prefix: String
    /// What it is by itself.
    let reader: CheckpointReader
    /// The name of its file, where an output must keep it apart from those of other components.
    var fileName: String?

    /// The name of a file of the component in the folder of the model.
    func path(of name: String) -> String { folder.isEmpty ? name : folder + "/" + name }

    /// The path of a file that was laid out for the component by itself.
    func outputName(of name: String, _ format: any CheckpointFormat.Type) -> String {
      guard let fileName else { return path(of: name) }
      return format == reader.format
        ? fileName : ComponentModel.stem(of: fileName) + format.suffixes[0]
    }
  }

  /// The components in the order of their paths.
  let components: [Component]
  /// The folders that belong to the model, by their paths in it.
  let folders: [String]

  /// Deeper folders are no part of a model.
  private static let maximumDepth = 4

  /// Opens a folder that lists its components; nil when it lists none, or holds no weights where it lists them.
  ///
  /// - Throws: `CheckpointError`, `FileError`.
  static func open(_ folder: FilePath, names: [String], _ options: ReadingOptions) throws
    -> CheckpointReader?
  {
    guard let listing = try FolderListing(of: folder, names: names) else { return nil }
    let folders = try listing.folders.flatMap { try subfolders(of: folder, $0, depth: 1) }
    guard !folders.isEmpty || !listing.files.isEmpty else { return nil }
    var components = try listing.files.map { name in
      let reader = try FormatDetection.open(folder.appending(name), options)
      return Component(
        folder: "", prefix: prefix(stem(of: name), reader), reader: reader.inFolder(folder),
        fileName: name)
    }
    let rest = listing.files.isEmpty ? [""] + folders : folders
    for path in rest {
      let place = path.isEmpty ? folder : folder.appending(path)
      guard try holdsWeights(place) else { continue }
      let reader = try CheckpointFolder.openPlain(
        place, parts: innerNames(of: path, among: folders), options: options)
      components.append(Component(folder: path, prefix: prefix(path, reader), reader: reader))
    }
    guard !components.isEmpty else { return nil }
    return try ComponentModel(components: components, folders: folders).reader(folder)
  }

  private static func holdsWeights(_ folder: FilePath) throws -> Bool {
    let names = try Folder.names(in: folder)
    return CheckpointFolder.isModel(names, countingListings: false)
      || !CheckpointFolder.checkpoints(among: names).isEmpty
  }

  /// A folder and those in it.
  private static func subfolders(of folder: FilePath, _ path: String, depth: Int) throws -> [String]
  {
    guard depth <= maximumDepth else { return [] }
    let inner = try Folder.names(in: folder.appending(path)).filter { name in
      !name.hasPrefix(".")
        && FileStatus(ofLink: folder.appending(path).appending(name))?.kind == .folder
    }
    return [path]
      + (try inner.flatMap { try subfolders(of: folder, path + "/" + $0, depth: depth + 1) })
  }

  /// The files with weights in a folder that lists components, by their paths in it; none when it lists none.
  static func files(in folder: FilePath, names: [String]) -> Set<String> {
    guard let listing = try? FolderListing(of: folder, names: names) else { return [] }
    var files = Set(listing.files)
    for name in listing.folders {
      for path in (try? subfolders(of: folder, name, depth: 1)) ?? [] {
        let inner = (try? Folder.names(in: folder.appending(path))) ?? []
        let weights =
          CheckpointFolder.checkpoints(among: inner)
          + inner.filter { CheckpointFormats.isIndex(FilePath($0)) }
        files.formUnion(weights.map { path + "/" + $0 })
      }
    }
    return files
  }

  /// The names of the folders of the model that lie in one of them, or at the top.
  private static func innerNames(of path: String, among folders: [String]) -> Set<String> {
    let start = path.isEmpty ? "" : path + "/"
    return Set(
      folders.filter { $0.hasPrefix(start) }.map {
        String($0.dropFirst(start.count).prefix { $0 != "/" })
      })
  }

  /// Names are cut at slashes in HDF5 files, else at dots.
  private static func prefix(_ label: String, _ reader: CheckpointReader) -> String {
    if label.isEmpty { return "" }
    return label + (reader.format == HDF5Checkpoint.self ? "/" : ".")
  }

  fileprivate static func stem(of name: String) -> String {
    let ends = [".weights.h5"] + CheckpointFormats.all.flatMap { $0.suffixes }
    return ends.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
  }

  /// All components as one checkpoint.
  private func reader(_ folder: FilePath) throws -> CheckpointReader {
    let readers = components.map(\.reader)
    var tensors: [Tensor] = []
    for component in components {
      tensors += try component.reader.weights.tensors.map {
        component.prefix.isEmpty ? $0 : try $0.renamed(component.prefix + $0.info.name)
      }
    }
    var metadata: [ExactString: String] = [:]
    for reader in readers { metadata.merge(reader.weights.metadata) { first, _ in first } }
    let weights: WeightMap
    do {
      weights = try WeightMap(
        tensors, metadata: metadata, isQuantized: readers.contains(where: \.weights.isQuantized))
    } catch {
      throw CheckpointError(folder, error)
    }
    var result = CheckpointReader(
      path: folder, weights: weights, files: readers.flatMap(\.files),
      arrangement: .components(self), folder: folder, notices: readers.flatMap(\.notices))
    result.format = readers[0].format
    for component in components { result.addContents(of: component) }
    let checks = readers.compactMap(\.checksums)
    if !checks.isEmpty {
      result.checksums = { threads in for check in checks { try check(threads) } }
      result.checksWhatIsRead = readers.allSatisfy(\.checksWhatIsRead)
    }
    return result
  }

  // MARK: - Output

  /// Lays each component out like the one of the first input.
  ///
  /// - Throws: when a format cannot hold a tensor, or a tensor belongs to no component.
  func layout(of weights: WeightMap, for request: OutputRequest) throws -> OutputLayout {
    guard request.form == .folder || components.count == 1 else {
      throw CheckpointError(
        .usage, request.path,
        "the first input has its weights in \(components.count) places, and one file has one",
        hint: "name a folder: -o \(request.path.stem ?? "model")/")
    }
    var tensors: [[Tensor]] = components.map { _ in [] }
    for tensor in weights.tensors {
      guard let place = place(of: tensor.info.name) else {
        throw CheckpointError(
          .usage, request.path,
          "tensor '\(tensor.info.name)' belongs to no component of the first input",
          hint: "--exclude leaves it out")
      }
      let name = tensor.info.name.utf8.dropFirst(components[place].prefix.utf8.count)
      tensors[place].append(try tensor.renamed(String(Substring(name))))
    }
    var parts: [OutputLayout.Part] = []
    var texts: [(name: String, bytes: [UInt8])] = []
    var notices: [String] = []
    for (component, tensors) in zip(components, tensors) where !tensors.isEmpty {
      var own = request
      own.indexName = nil
      own.take(from: component.reader)
      let format = try own.chosenFormat()
      var metadata = component.reader.weights.metadata
      for key in [Provenance.key, Provenance.updateCountKey] {
        metadata[key] = weights.metadata[key]
      }
      let map = WeightMap(distinct: tensors, metadata: metadata)
      let layout = try format.layout(of: map, for: own)
      parts += layout.asParts(of: map).map { part in
        part.renamingFiles { component.outputName(of: $0, format) }
      }
      texts += layout.texts.map { (component.path(of: $0.name), $0.bytes) }
      notices += layout.notices
    }
    var result = OutputLayout(parts: parts, texts: texts)
    result.notices = notices
    return result
  }

  /// The component with the longest prefix that a name has.
  private func place(of name: String) -> Int? {
    components.indices.filter { name.utf8.starts(with: components[$0].prefix.utf8) }
      .max { components[$0].prefix.utf8.count < components[$1].prefix.utf8.count }
  }
}

extension CheckpointReader {
  fileprivate mutating func addContents(of component: ComponentModel.Component) {
    let other = component.reader
    func named(_ text: String) -> String {
      component.prefix.isEmpty ? text : component.prefix.dropLast() + ": " + text
    }
    otherContents += other.otherContents.map(named)
    unknownContents += other.unknownContents.map(named)
    unreadable += other.unreadable.map {
      UnreadableTensor(name: component.prefix + $0.name, reason: $0.reason, hint: $0.hint)
    }
    for (layer, name) in other.layerNames {
      layerNames[ExactString(component.prefix + layer.text)] = name
    }
  }
}
