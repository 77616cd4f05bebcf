import FileIO
import HDF5Format
import NumPyFormat
public import SystemPackage
public import TensorCore
import ZipArchive

/// `.keras` files: archives of a model's configuration and its weights as an HDF5 file or an archive of arrays.
///
/// The configuration may name code to be run: it is never interpreted, only carried over byte for byte.
public enum KerasCheckpoint: CheckpointFormat {
  /// `Keras`.
  public static let name = "Keras"
  /// `.keras`.
  public static let suffixes = [".keras"]

  /// The configuration comes from the first input.
  public static let writesFromTensorsAlone = false

  /// Members are stored as they are.
  public static let compresses = false

  /// The configuration.
  public static let describesModels = true

  /// As for HDF5.
  public static func unsupported(in weights: WeightMap) -> [UnsupportedTensor] {
    HDF5Checkpoint.unsupported(in: weights)
  }

  /// The members that Keras writes first.
  private static let firstMembers = ["metadata.json", "config.json"] + KerasArchive.weightsNames

  /// Whether the first member of an archive is one that Keras writes.
  public static func recognizes(start: [UInt8]) -> Bool {
    let headerSize = 30
    guard start.starts(with: [0x50, 0x4B, 0x03, 0x04]), start.count > headerSize else {
      return false
    }
    let length = Int(start[26]) | Int(start[27]) << 8
    let name = start.dropFirst(headerSize).prefix(length)
    return firstMembers.contains { name.elementsEqual($0.utf8) }
  }

  /// Opens an archive; libhdf5 looks at the weights in a child process.
  public static func open(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader {
    let file = try ReadableFile(path)
    do {
      let archive = try ZipFile(file, size: file.size)
      let keras = try KerasArchive(archive, file, for: options.purpose)
      var reader = try keras.reader(at: path, file)
      let weightsChecksums = reader.checksums
      let weightsParts = reader.ownParts
      reader.ownParts = { comparesTensors in
        try keras.parts() + weightsParts(comparesTensors)
      }
      reader.checksWhatIsRead = false
      reader.checksums = { threads in
        do {
          // Weights that are deflated were checked when they were decompressed.
          let members = archive.members.filter {
            $0.method == .stored || $0.name != keras.weights.name
          }
          try archive.verify(members, threads: threads)
          try weightsChecksums?(threads)
        } catch let error as ZipError {
          throw CheckpointError(path, error)
        }
      }
      return reader
    } catch let error as ZipError {
      throw CheckpointError(path, error)
    } catch let error as NumPyError {
      throw CheckpointError(path, error)
    } catch let error as TensorError {
      throw CheckpointError(path, error)
    }
  }

  /// Whether an archive holds weights under the name that Keras gives them.
  public static func recognizes(members: [String]) -> Bool {
    members.contains { KerasArchive.weightsNames.contains($0) }
  }

  /// Puts the values into a copy of the first input's weights, and those into a copy of its archive.
  public static func layout(of weights: WeightMap, for request: OutputRequest) throws
    -> OutputLayout
  {
    guard case .keras(let archive)? = request.arrangement else {
      throw CheckpointError(
        .usage, request.path, "a .keras file has a model's configuration, which other files lack",
        hint: "give a .keras file as the first input, or write .weights.h5")
    }
    let contents = try archive.layout(of: weights, for: request)
    return contents.enclosed { contents, output in
      do {
        try archive.write(contents, into: output)
      } catch let error as ZipError {
        throw CheckpointError(request.path, error)
      }
    }
  }
}
