import FileIO
import HDF5Format
public import SystemPackage
public import TensorCore

/// HDF5 files, among them those of Keras.
///
/// Datasets of numbers are tensors, named by their path without the leading slash. The output is the first
/// input but for the values: values are written in place in a copy, or a file of the same structure is built.
public enum HDF5Checkpoint: CheckpointFormat {
  /// `HDF5`.
  public static let name = "HDF5"
  /// `.h5` and `.hdf5`.
  public static let suffixes = [".h5", ".hdf5"]
  /// What Keras's callbacks, MATLAB and netCDF write.
  public static let sharedSuffixes = [".ckpt", ".hdf", ".he5", ".mat", ".nc", ".nc4"]

  /// Without an HDF5 file as the first input, a plain one is written.
  public static let writesFromTensorsAlone = true

  /// By deflate.
  public static let compresses = true

  /// Small floats and codes have no type, and names have to be paths.
  public static func unsupported(in weights: WeightMap) -> [UnsupportedTensor] {
    let dtypes = weights.tensors.lazy.map(\.info).filter { !HDF5Builder.canStore($0.dtype) }
    return dtypes.map { info in
      UnsupportedTensor(
        name: info.name, reason: "\(name) has no dtype for \(info.dtype.rawValue)")
    } + HDF5Names.unsupported(in: weights)
  }

  /// Keras's own limits for what a file declares: a size, and how many times as much as the file has.
  private static let largestUnwritten = 4 << 30
  private static let largestRatio = 1000

  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// As hard links.
  public static let keepsTies = true

  /// Attributes of groups and datasets.
  public static let describesModels = true

  /// Whether the file starts with the signature.
  public static func recognizes(start: [UInt8]) -> Bool {
    start.starts(with: signature)
  }

  /// The smallest user block; others are twice as large as the one before.
  /// (HDF5 File Format Specification 3.0, II.A.)
  private static let smallestUserBlock = 512

  /// Whether the signature comes after a block of another program, as in files of MATLAB.
  static func hasUserBlock(_ file: ReadableFile) throws -> Bool {
    var offset = smallestUserBlock
    while offset <= file.size - signature.count {
      if try file.bytes(in: offset..<offset + signature.count) == signature { return true }
      offset *= 2
    }
    return false
  }

  /// Opens a file; libhdf5 looks at it in a child process.
  public static func open(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader {
    let file = try ReadableFile(path)
    return try reader(of: HDF5File(file, for: options.purpose), at: path)
  }

  /// The checkpoint in an HDF5 file.
  ///
  /// - Parameter classes: what a configuration outside of it tells; nil where there is none.
  static func reader(
    of file: HDF5File, at path: FilePath, files: [ReadableFile]? = nil,
    arrangement: CheckpointReader.Arrangement? = nil, classes: KerasClasses? = nil
  ) throws -> CheckpointReader {
    let contents = try HDF5Contents(of: file)
    try checkSizes(of: contents.stored, in: file)
    let layout = KerasLayout(file.catalogue)
    let metadata = metadata(file.catalogue)
    let classes =
      classes ?? KerasClasses(configuration: Array((metadata["model_config"] ?? "").utf8))
    let tensors = KerasRoles([layout], classes: classes).declared(contents.tensors)
    let weights = try WeightMap(layout.ordered(tensors), metadata: metadata)
    var reader = CheckpointReader(
      path: path, weights: weights, files: files ?? [file.file],
      arrangement: arrangement ?? .hdf5(HDF5Structure(source: file)))
    reader.layerNames = layout.layerNames
    reader.ownParts = { _ in file.catalogue.parts }
    reader.otherContents = contents.others
    reader.unreadable = contents.unreadable
    return reader
  }

  /// A file may declare far more than it holds, since what was never written takes no space.
  private static func checkSizes(of tensors: [Tensor], in file: HDF5File) throws {
    let size = tensors.reduce(0) { sum, tensor in
      let (total, overflow) = sum.addingReportingOverflow(tensor.info.byteCount)
      return overflow ? Int.max : total
    }
    guard size > largestUnwritten, size / largestRatio > file.catalogue.fileSize else { return }
    throw CheckpointError(
      .badInput, file.path,
      "it declares \(ByteCount.text(size)) of values, but has only "
        + "\(ByteCount.text(file.catalogue.fileSize))",
      hint: "most of it was never written, or the file is damaged")
  }

  /// The texts at the root, which are all that other formats can hold too.
  private static func metadata(_ catalogue: HDF5Catalogue) -> [ExactString: String] {
    var metadata: [ExactString: String] = [:]
    for (name, texts) in catalogue.rootTexts where texts.count == 1 {
      metadata[ExactString(name)] = texts[0]
    }
    return metadata
  }

  /// Puts the values into a copy of the first input; where that is no HDF5 file, writes a plain one.
  public static func layout(of weights: WeightMap, for request: OutputRequest) throws
    -> OutputLayout
  {
    switch request.arrangement {
    case .hdf5(let structure)?: return try structure.layout(of: weights, for: request)
    case .keras(let archive)?:
      if let structure = archive.structure {
        return try structure.layout(of: weights, for: request)
      }
    case .kerasShards(let shards)? where request.form == .folder:
      return try shards.layout(of: weights, for: request)
    default: break
    }
    return try HDF5Rebuild(weights, for: request).layout(for: request)
  }
}
