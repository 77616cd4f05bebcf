import FileIO
import HDF5Format
import SystemPackage
import TensorCore

/// An HDF5 file whose values are to be replaced in a copy, with everything else as it is.
///
/// Where all values are stored in one piece, the copy has the same bytes around them. Otherwise, and where
/// something goes or grows, a new file with the same structure is built.
public struct HDF5Structure: Sendable {
  let source: HDF5File
  /// What tensors with new names move along; nil when names are as they were.
  private(set) var renaming: HDF5Renaming?
  /// Whether new names make other groups, so that what groups say is lost.
  private var losesGroups = false

  init(source: HDF5File) { self.source = source }

  private init(_ source: HDF5File, renaming: HDF5Renaming?) {
    self.source = source
    self.renaming = renaming
    losesGroups = renaming == nil
  }

  /// The same structure for tensors with other names.
  func renaming(_ newNames: [ExactString: String]) -> HDF5Structure {
    if newNames.isEmpty { return self }
    let renaming = HDF5Renaming(newNames, source.names, in: source.catalogue)
    return HDF5Structure(
      renaming == nil ? source : source.renamed(newNames), renaming: renaming)
  }

  var catalogue: HDF5Catalogue { source.catalogue }

  /// How much larger than packed an output may be.
  private static let mostGrowth = 1.05
  /// libhdf5 leaves small holes in every file that it writes.
  private static let usualHoles = 256

  /// Where the values go, and what is carried over around them.
  func layout(of weights: WeightMap, for request: OutputRequest) throws -> OutputLayout {
    let path = request.path
    guard request.compressionLevel == nil else {
      throw CheckpointError(
        .usage, path, "the output keeps the compression of the first input",
        hint: "leave --compress out; h5repack -f GZIP=4 compresses an HDF5 file")
    }
    let assignment = HDF5Assignment(of: weights, to: source, unties: request.unties)
    guard try isWrittenInPlace(weights, assignment) else {
      var layout = try HDF5Rebuild(self, weights, assignment, for: request).layout(for: request)
      layout.notices += renamingNotices
      return layout
    }
    source.endChild()
    var placements: [OutputLayout.Placement] = []
    var compact: [(path: String, tensor: Tensor, encoding: ElementEncoding)] = []
    for (dataset, place) in zip(catalogue.datasets, assignment.places) where dataset.hasValues {
      guard let position = place?.tensor, let encoding = dataset.encoding else { continue }
      switch dataset.storage {
      case .contiguous(let offset):
        placements.append(
          OutputLayout.Placement(
            tensor: position, offset: offset, reversedWidth: encoding.reversedWidth))
      case .compact: compact.append((dataset.path, weights.tensors[position], encoding))
      case .neverWritten, .chunked: continue
      }
    }
    placements.sort { $0.offset < $1.offset }
    let texts = weights.rootTexts(replacing: catalogue)
    return OutputLayout(
      files: [
        OutputLayout.File(
          name: request.fileName(like: source.file), prefix: [], placements: placements,
          size: catalogue.fileSize,
          carried: try carriedPieces(around: placements, weights))
      ],
      finish: { [self, compact] staged, _ in
        try finish(staged, compact: compact, texts: texts, as: path)
      })
  }

  /// What the new names leave behind.
  private var renamingNotices: [String] {
    if losesGroups {
      return [
        "the new names make other groups: what attributes of groups say is left out, also Keras's lists of layers and "
          + "weights"
      ]
    }
    let hasLayers = renaming?.lists.contains { $0.attribute.hasPrefix("layer_names") } ?? false
    return hasLayers && catalogue.rootTexts["model_config"] != nil
      ? ["model_config names the layers as before"] : []
  }

  /// Whether every tensor has its room in the first input, and all room there is used.
  private func isWrittenInPlace(_ weights: WeightMap, _ assignment: HDF5Assignment) throws -> Bool {
    // What libhdf5 does not know, it cannot write anew.
    let isFixed = !catalogue.unread.isEmpty
    guard isFixed || !catalogue.sharesMessages,
      isFixed || staysPacked(with: weights.rootTexts(replacing: catalogue)), assignment.isWhole,
      renaming == nil
    else { return false }
    return try zip(catalogue.datasets, assignment.places).allSatisfy { dataset, place in
      guard dataset.isTensor else { return true }
      // What has another size in the file than in memory is built anew.
      guard let place, case let tensor = weights.tensors[place.tensor],
        tensor.info.dtype == dataset.encoding?.dtype
      else { return false }
      switch dataset.storage {
      case .chunked: return !dataset.hasValues
      case .neverWritten: return try !dataset.hasValues || dataset.staysUnwritten(as: tensor)
      case .contiguous, .compact: return true
      }
    }
  }

  /// Whether a copy with these texts at its root would be about as small as libhdf5 could write it.
  ///
  /// The text that is replaced may leave its room unused.
  private func staysPacked(with texts: [(name: String, text: String?)]) -> Bool {
    let new = texts.reduce(0) { $0 + ($1.text?.utf8.count ?? 0) }
    let old = texts.reduce(0) { sum, item in
      sum + (catalogue.rootTexts[item.name] ?? []).reduce(0) { $0 + $1.utf8.count }
    }
    let packed = catalogue.packedByteCount
    let holes = min(HDF5Structure.usualHoles, catalogue.fileSize - packed)
    return Double(catalogue.fileSize + new)
      <= HDF5Structure.mostGrowth * Double(packed + holes + new - old)
  }

  /// The bytes of the file between the tensors, as tensors of bytes.
  private func carriedPieces(around placements: [OutputLayout.Placement], _ weights: WeightMap)
    throws -> [OutputLayout.Carried]
  {
    var pieces: [OutputLayout.Carried] = []
    var position = 0
    func carry(to end: Int) throws {
      guard end > position else { return }
      let info = try TensorInfo(name: "", dtype: .uint8, shape: Shape([end - position]))
      let storage = TensorStorage.bytes(source.file, offset: source.offset + position)
      pieces.append(
        OutputLayout.Carried(bytes: Tensor(info, storage: storage), offset: position))
    }
    for placement in placements {
      try carry(to: placement.offset)
      position = placement.offset + weights.tensors[placement.tensor].info.byteCount
    }
    try carry(to: catalogue.fileSize)
    return pieces
  }

  /// What libhdf5 must write, it writes into the staged file in a child; then a fresh child walks the result.
  private func finish(
    _ staged: FilePath, compact: [(path: String, tensor: Tensor, encoding: ElementEncoding)],
    texts: [(name: String, text: String?)], as path: FilePath
  ) throws {
    let size = catalogue.fileSize
    do {
      if !compact.isEmpty {
        let values = try compact.map { path, tensor, encoding in
          (path, try tensor.bytes(in: encoding))
        }
        try HDF5Child.writeCompact(values, of: staged.string, size: size)
      }
      if !texts.isEmpty {
        try HDF5Child.editRootTexts(texts, of: staged.string, size: size)
      }
    } catch let error as HDF5Error {
      throw error.whileWriting(path, from: source.path)
    }
    let result = try HDF5File(try ReadableFile(staged)).catalogue
    guard result.hasSamePlaces(as: catalogue) else { throw HDF5Structure.otherStructure(path) }
  }

  static func otherStructure(_ path: FilePath) -> CheckpointError {
    CheckpointError(
      .inputOutput, path, "the file that was written has not the structure that was planned")
  }
}

extension WeightMap {
  /// The root attributes that an HDF5 file gets, or that go because they are not true of it.
  ///
  /// A copy has all others already.
  func rootTexts(replacing catalogue: HDF5Catalogue?) -> [(name: String, text: String?)] {
    guard let catalogue else {
      return metadata.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value) }
    }
    return [Provenance.key, Provenance.updateCountKey].compactMap { key in
      if let text = metadata[key] { return (key.text, text) }
      return catalogue.rootTexts[key.text] == nil ? nil : (key.text, nil)
    }
  }
}

extension HDF5Catalogue.Dataset {
  /// Whether a dataset without storage needs none for a result either: its fill value says it all.
  func staysUnwritten(as result: Tensor) throws -> Bool {
    guard hasNoStorage, let encoding, result.isConstant else { return false }
    let fill = encoding.littleEndian(fillElement(encoding))
    // After a change of dtype only zero is sure to be the same.
    guard result.info.dtype == encoding.dtype || fill.allSatisfy({ $0 == 0 }) else { return false }
    let size = result.info.dtype.elementUnit
    let first = ByteBuffer(count: size)
    try result.read(bytes: 0..<size, into: first, at: 0)
    let bytes = first.bytes(in: 0..<size)
    return bytes == fill || bytes.allSatisfy { $0 == 0 } && fill.allSatisfy { $0 == 0 }
  }
}

extension Tensor {
  /// Whether nobody ever wrote to any of the inputs, so that all values are the same.
  var isConstant: Bool {
    switch storage {
    case .bytes(let source, _): source is RepeatedBytes
    case .computed(_, let inputs): inputs.allSatisfy(\.isConstant)
    }
  }

  /// The values in C order, in the bytes of an encoding.
  func bytes(in encoding: ElementEncoding) throws -> [UInt8] {
    let buffer = ByteBuffer(count: info.byteCount)
    try read(bytes: 0..<info.byteCount, into: buffer, at: 0)
    if let width = encoding.reversedWidth {
      buffer.reverseElements(in: 0..<info.byteCount, width: width)
    }
    return buffer.bytes(in: 0..<info.byteCount)
  }
}
