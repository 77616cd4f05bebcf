import Compression
import FileIO
import JSONText
import NumPyFormat
import SystemPackage
import TensorCore
import ZipArchive

/// The archive of a `.keras` file, and the weights in it: an HDF5 file, or an archive of arrays.
public struct KerasArchive: Sendable {
  let archive: ZipFile
  let weights: ZipMember
  private var contents: Contents

  /// What the weights are stored as.
  private enum Contents: Sendable {
    case hdf5(HDF5Structure)
    case numpy(NumPyArchive)
  }

  /// The names that Keras gives the weights.
  static let weightsNames = ["model.weights.h5", "model.weights.npz"]
  /// How much is copied at a time.
  private static let pieceSize = 1 << 20

  /// Finds the weights in an archive.
  ///
  /// - Parameter purpose: what the weights are opened for.
  /// - Throws: `CheckpointError` when they are not there or of another kind, `ZipError`.
  init(_ archive: ZipFile, _ file: ReadableFile, for purpose: HDF5File.Purpose) throws {
    guard let member = KerasArchive.weightsNames.lazy.compactMap({ archive[$0] }).first else {
      throw CheckpointError(
        .badInput, file.path, "it has no member 'model.weights.h5' or 'model.weights.npz'",
        hint: "it is no model that Keras saved, or damaged")
    }
    self.archive = archive
    weights = member
    var source = file
    var range = member.dataRange
    if member.method == .deflated {
      try FreeSpace.check(needed: member.byteCount, for: ScratchFile.folder.appending("contents"))
      source = try ScratchFile.make(size: member.byteCount, label: file.label) { scratch in
        try archive.copy(member, to: scratch)
      }
      range = 0..<member.byteCount
    }
    if member.name.hasSuffix(".npz") {
      let part = PartialBytes(source, from: range.lowerBound)
      contents = .numpy(try NumPyArchive(ZipFile(part, size: range.count), label: file.label))
    } else {
      contents = .hdf5(HDF5Structure(source: try HDF5File(source, in: range, for: purpose)))
    }
  }

  /// The checkpoint that the weights are.
  func reader(at path: FilePath, _ file: ReadableFile) throws -> CheckpointReader {
    switch contents {
    case .hdf5(let structure):
      try HDF5Checkpoint.reader(
        of: structure.source, at: path, files: [file], arrangement: .keras(self),
        classes: KerasClasses(configuration: configuration))
    case .numpy(let arrays):
      try arrays.reader(at: path, files: [file], arrangement: .keras(self))
    }
  }

  /// Configurations have some kilobytes.
  private static let maximumConfigurationSize = 64 << 20

  /// What the archive holds beside the weights: the configuration, and files that layers need.
  ///
  /// - Throws: `ZipError`.
  func parts() throws -> [ModelPart] {
    try archive.members.filter { !$0.isFolder && $0.name != weights.name }.map { member in
      if member.name.hasSuffix(".json"), member.byteCount <= KerasArchive.maximumConfigurationSize {
        let bytes = try archive.bytes(of: member, limit: KerasArchive.maximumConfigurationSize)
        if let value = try? JSONValue(parsing: bytes, acceptsPythonNumbers: true) {
          return ModelPart(name: member.name, content: .layers(value))
        }
      }
      let text = "\(member.byteCount) bytes, CRC-32 \(String(member.checksum, radix: 16))"
      let isVocabulary = member.name.hasPrefix("assets/")
      return ModelPart(name: member.name, content: isVocabulary ? .vocabulary(text) : .text(text))
    }
  }

  /// The model's configuration; nothing when it cannot be read, which does not concern the weights.
  private var configuration: [UInt8] {
    guard let member = archive["config.json"] else { return [] }
    return (try? archive.bytes(of: member, limit: KerasArchive.maximumConfigurationSize)) ?? []
  }

  /// The structure of the weights when they are an HDF5 file.
  var structure: HDF5Structure? {
    if case .hdf5(let structure) = contents { structure } else { nil }
  }

  /// The same archive for tensors with other names.
  func renaming(_ newNames: [ExactString: String]) -> KerasArchive {
    var archive = self
    if case .hdf5(let structure) = contents {
      archive.contents = .hdf5(structure.renaming(newNames))
    }
    return archive
  }

  /// Lays the weights out as they are stored here.
  func layout(of weights: WeightMap, for request: OutputRequest) throws -> OutputLayout {
    switch contents {
    case .hdf5(let structure): return try structure.layout(of: weights, for: request)
    case .numpy(let arrays):
      do {
        return try NumPyOutput(weights, like: arrays).layout()
      } catch let error as NumPyError {
        throw CheckpointError(request.path, error)
      } catch let error as ZipError {
        throw CheckpointError(request.path, error)
      }
    }
  }

  /// Writes the archive with other weights; all other members are the same.
  func write(_ contents: ReadableFile, into output: WritableFile) throws {
    let entries = archive.members.map { member in
      member.name == weights.name
        ? archive.entry(replacing: member, byteCount: contents.size)
        : archive.entry(copying: member)
    }
    let layout = try ZipLayout(entries, comment: archive.comment)
    try output.reserve(layout.byteCount)
    for piece in layout.pieces { try output.write(piece.bytes, at: piece.offset) }
    var checksums: [Int: UInt32] = [:]
    for (position, member) in archive.members.enumerated() {
      let offset = layout.dataOffsets[position]
      if member.name == weights.name {
        checksums[position] = try copy(contents, 0..<contents.size, to: output, at: offset)
      } else {
        _ = try copy(archive.source, member.dataRange, to: output, at: offset)
      }
    }
    for piece in layout.patches(checksums) { try output.write(piece.bytes, at: piece.offset) }
  }

  /// Copies bytes and returns their checksum.
  private func copy(
    _ source: any ByteSource, _ range: Range<Int>, to output: WritableFile, at offset: Int
  ) throws -> UInt32 {
    var checksum = CRC32()
    let buffer = ByteBuffer(count: min(range.count, KerasArchive.pieceSize))
    var done = 0
    while done < range.count {
      let count = min(buffer.count, range.count - done)
      try source.read(at: range.lowerBound + done, count: count, into: buffer, at: 0)
      checksum.update(0..<count, of: buffer)
      try output.write(0..<count, of: buffer, at: offset + done)
      done += count
    }
    return checksum.value
  }
}
