import FileIO
import NumPyFormat
public import SystemPackage
public import TensorCore
import ZipArchive

/// NumPy's files: archives of arrays (`.npz`), and single arrays (`.npy`).
///
/// An array in a file of its own has no name: its tensor is called `arr_0`, as NumPy calls it in an archive.
public enum NumPyCheckpoint: CheckpointFormat {
  /// `NumPy`.
  public static let name = "NumPy"
  /// `.npz` and `.npy`.
  public static let suffixes = [".npz", ".npy"]
  /// Arrays are all there is.
  public static let writesFromTensorsAlone = true
  /// Archives are read compressed, and written as `numpy.savez` does.
  public static let compresses = false

  /// The name of the tensor of a single array.
  private static let singleName = "arr_0"
  private static let archiveStart: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

  /// Small floats and codes have no dtype, and names have to be those of members.
  public static func unsupported(in weights: WeightMap) -> [UnsupportedTensor] {
    weights.tensors.compactMap { tensor in
      let info = tensor.info
      if !ArrayHeader.canStore(info.dtype) {
        return UnsupportedTensor(
          name: info.name, reason: "\(name) has no dtype for \(info.dtype.rawValue)")
      }
      return ZipName.problem(of: Array(info.name.utf8)[...]).map { problem in
        UnsupportedTensor(
          name: info.name, reason: "this name cannot be one in an archive: it \(problem)")
      }
    }
  }

  /// Whether the file starts like an array, or like an archive whose first member is one.
  public static func recognizes(start: [UInt8]) -> Bool {
    if ArrayHeader.recognizes(start: start) { return true }
    guard start.starts(with: archiveStart), start.count > 30 else { return false }
    let length = Int(start[26]) | Int(start[27]) << 8
    // A name may go on behind what was read.
    return start.count < 30 + length || start[30..<30 + length].suffix(4).elementsEqual(".npy".utf8)
  }

  /// Whether an archive holds arrays.
  public static func recognizes(members: [String]) -> Bool {
    members.contains { $0.hasSuffix(NumPyArchive.suffix) }
  }

  /// Opens an archive or an array.
  public static func open(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader {
    let file = try ReadableFile(path)
    do {
      let start = try file.bytes(in: 0..<min(file.size, 12))
      guard !ArrayHeader.recognizes(start: start) else { return try openArray(file, path) }
      let archive = try NumPyArchive(try ZipFile(file, size: file.size), label: file.label)
      return try archive.reader(at: path, files: [file], arrangement: .numpy(archive))
    } catch let error as ZipError {
      throw CheckpointError(path, error)
    } catch let error as NumPyError {
      throw CheckpointError(path, error)
    } catch let error as TensorError {
      throw CheckpointError(path, error)
    }
  }

  private static func openArray(_ file: ReadableFile, _ path: FilePath) throws -> CheckpointReader {
    let array = try NumPyArray(file, in: 0..<file.size)
    guard let tensor = try array.tensor(named: singleName) else {
      throw NumPyError.notNumbers(array.header)
    }
    return CheckpointReader(path: path, weights: try WeightMap([tensor]), files: [file])
  }

  /// Writes an archive, or an array when the name says so.
  public static func layout(of weights: WeightMap, for request: OutputRequest) throws
    -> OutputLayout
  {
    var archive: NumPyArchive?
    if case .numpy(let first)? = request.arrangement { archive = first }
    do {
      if request.path.lastComponent?.string.hasSuffix(".npy") == true, request.format == nil {
        return try arrayLayout(of: weights, request)
      }
      return try NumPyOutput(weights, like: archive).layout()
    } catch let error as ZipError {
      throw CheckpointError(request.path, error)
    } catch let error as NumPyError {
      throw CheckpointError(request.path, error)
    }
  }

  private static func arrayLayout(of weights: WeightMap, _ request: OutputRequest) throws
    -> OutputLayout
  {
    guard weights.count == 1 else {
      throw CheckpointError(
        .usage, request.path, "a .npy file holds one array, not \(weights.count) tensors",
        hint: "write .npz")
    }
    let info = weights.tensors[0].info
    let header = try NumPyOutput.header(of: info)
    let placement = OutputLayout.Placement(tensor: 0, offset: header.count)
    var layout = OutputLayout(files: [
      OutputLayout.File(
        name: nil, prefix: header, placements: [placement], size: header.count + info.byteCount)
    ])
    if info.name != singleName {
      layout.notices.append(
        "a .npy file has no name for its array: '\(info.name)' will be read as '\(singleName)'")
    }
    if !weights.metadata.isEmpty {
      layout.notices += ["a .npy file has no place for a record of how it was made: it is left out"]
    }
    return layout
  }
}
