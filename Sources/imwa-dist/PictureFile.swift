import FileIO
import Plotting
import SystemPackage
import TensorCore

/// The file of a picture: it appears whole, or not at all.
struct PictureFile {
  private let path: FilePath
  private let staged: StagedOutput

  /// Checks that the file can be written, before anything is measured.
  ///
  /// - Throws: `FileError` when it exists and is not to be replaced, `JobError` when it is an input.
  init(_ path: FilePath, replacing: Bool, inputs: [FilePath]) throws {
    self.path = path
    let identity = FileStatus(of: path)?.identity
    if let identity, inputs.contains(where: { FileStatus(of: $0)?.identity == identity }) {
      throw JobError.pictureIsInput(path)
    }
    staged = try StagedOutput(
      .file, at: path, existing: replacing ? .replace : .refuse, durability: .none)
  }

  /// Writes a scene in the format that the name tells.
  func write(_ scene: Scene) throws {
    let isPNG = path.extension == "png"
    let bytes = isPNG ? PNGWriter.bytes(scene) : Array(SVGWriter.text(scene).utf8)
    try staged.begin()
    let file = try staged.createFile(size: bytes.count)
    let buffer = ByteBuffer(count: bytes.count)
    buffer.copy(from: bytes, range: 0..<bytes.count, to: 0)
    try file.write(0..<bytes.count, of: buffer, at: 0)
    try staged.commit()
  }
}
