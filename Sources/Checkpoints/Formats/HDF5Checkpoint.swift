import FileIO
import HDF5Format
public import SystemPackage
public import TensorCore

/// HDF5 files, among them those of Keras.
///
/// Datasets of numbers are tensors, named by their path without the leading slash. The output is the first
/// input but for the values: everything else of it is copied byte for byte, and values are written in place.
public enum HDF5Checkpoint: CheckpointFormat {
  /// `HDF5`.
  public static let name = "HDF5"
  /// `.h5` and `.hdf5`.
  public static let suffixes = [".h5", ".hdf5"]

  /// Groups, attributes and layout come from the first input.
  public static let writesFromTensorsAlone = false

  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Whether the file starts with the signature; behind a user block, the name has to tell.
  public static func recognizes(start: [UInt8]) -> Bool {
    start.starts(with: signature)
  }

  /// Opens a file; libhdf5 looks at it in a child process.
  public static func open(_ path: FilePath) throws -> CheckpointReader {
    let file = try ReadableFile(path)
    let catalogue: HDF5Catalogue
    do {
      catalogue = try file.withDescriptor { descriptor throws(HDF5Error) in
        try HDF5Child.catalogue(of: descriptor, size: file.size)
      }
    } catch {
      throw CheckpointError(path, error)
    }
    var tensors: [Tensor] = []
    var kept: [String] = []
    for dataset in catalogue.datasets {
      switch dataset.type {
      case .numbers(let encoding): tensors.append(try tensor(dataset, encoding, file))
      case .opaquePairs:
        throw CheckpointError(
          .badInput, path,
          "dataset '\(dataset.path)' has opaque values of two bytes, and the file does not tell what "
            + "they mean")
      case .other(let kind): kept.append("'\(dataset.path)' (\(kind))")
      }
    }
    let weights = try WeightMap(tensors, metadata: metadata(catalogue))
    var reader = CheckpointReader(
      path: path, weights: weights, files: [file],
      arrangement: .hdf5(HDF5Structure(catalogue: catalogue, file: file)))
    if !kept.isEmpty {
      reader.notices = [
        "\(path): not averaged, kept as in the first input: "
          + kept.joined(separator: ", ")
      ]
    }
    return reader
  }

  private static func metadata(_ catalogue: HDF5Catalogue) -> [ExactString: String] {
    var metadata: [ExactString: String] = [:]
    for key in [Provenance.key, Provenance.updateCountKey] {
      metadata[key] = catalogue.rootTexts[key.text]
    }
    return metadata
  }

  private static func tensor(
    _ dataset: HDF5Catalogue.Dataset, _ encoding: ElementEncoding, _ file: ReadableFile
  ) throws -> Tensor {
    let info: TensorInfo
    do {
      info = try TensorInfo(
        name: dataset.path, dtype: encoding.dtype, shape: Shape(dataset.dimensions ?? [0]))
    } catch {
      throw CheckpointError(.badInput, file.path, "dataset '\(dataset.path)': \(error)")
    }
    guard info.byteCount > 0 else {
      return Tensor(info, storage: .bytes(MemoryBytes([]), offset: 0))
    }
    guard encoding.byteOrder == .littleEndian || info.dtype.elementUnit == 1 else {
      throw refusal(file.path, dataset, "has big-endian values, which this version does not read")
    }
    switch dataset.storage {
    case .contiguous(let offset): return Tensor(info, storage: .bytes(file, offset: offset))
    case .compact(let bytes):
      guard bytes.count == info.byteCount else {
        throw CheckpointError(
          .badInput, file.path,
          "dataset '\(dataset.path)': expected \(info.byteCount) bytes of values, found \(bytes.count)"
        )
      }
      return Tensor(info, storage: .bytes(MemoryBytes(bytes), offset: 0))
    case .neverWritten:
      throw refusal(file.path, dataset, "was never written to, which this version does not read")
    case .chunked:
      let filters = dataset.filters.isEmpty ? "" : " (\(dataset.filters.joined(separator: ", ")))"
      throw refusal(
        file.path, dataset, "is stored in chunks\(filters), which this version does not read")
    }
  }

  private static func refusal(_ path: FilePath, _ dataset: HDF5Catalogue.Dataset, _ reason: String)
    -> CheckpointError
  {
    CheckpointError(
      .badInput, path, "dataset '\(dataset.path)' \(reason)",
      hint: "h5repack -l CONTI -f NONE in.h5 out.h5 writes a file that it reads")
  }

  /// Puts the values into a copy of the first input.
  public static func layout(of weights: WeightMap, for request: OutputRequest) throws
    -> OutputLayout
  {
    guard case .hdf5(let structure)? = request.arrangement else {
      throw CheckpointError(
        .usage, request.path, "an HDF5 file is written after the first input, which is none",
        hint: "give an HDF5 file first, or write .safetensors")
    }
    return try structure.layout(of: weights, path: request.path)
  }
}
