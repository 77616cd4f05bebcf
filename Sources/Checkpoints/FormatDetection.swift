import FileIO
import SystemPackage
import TensorCore
import ZipArchive

/// Tells the format of a file by its first bytes; names only serve as a hint in messages.
enum FormatDetection {
  /// Opens a file of any known format.
  static func open(_ path: FilePath, _ options: ReadingOptions) throws -> CheckpointReader {
    let format = try format(of: path)
    var reader = try format.open(path, options)
    reader.format = format
    return reader
  }

  static func format(of path: FilePath) throws -> any CheckpointFormat.Type {
    let file = try ReadableFile(path)
    let start = try file.bytes(in: 0..<min(file.size, 512))
    guard file.size > 0 else {
      throw CheckpointError(
        .badInput, path, "the file is empty",
        hint: "a download or a copy did not finish: get the file again")
    }
    if let format = CheckpointFormats.all.first(where: {
      $0.recognizes(start: start)
    }) {
      return format
    }
    if let format = try archiveFormat(file, start) { return format }
    if try HDF5Checkpoint.hasUserBlock(file) { return HDF5Checkpoint.self }
    if let foreign = try ForeignFormat.ofFile(file, start: start) {
      throw CheckpointError(
        .badInput, path, "it is \(foreign.name), which is not read", hint: foreign.hint)
    }
    if let problem = knownProblem(start) {
      throw CheckpointError(.badInput, path, problem.what, hint: problem.hint)
    }
    // The strict parser of the format that the name promises says best what is wrong; names of PyTorch promise nothing.
    if let format = CheckpointFormats.format(forOutput: path),
      format != PyTorchCheckpoint.self || start.first == FormatDetection.pickleStart
    {
      return format
    }
    throw CheckpointError(
      .badInput, path, "it is no checkpoint of a known format",
      hint: "known formats: " + CheckpointFormats.all.map { $0.name }.joined(separator: ", "))
  }

  /// What every pickle of PyTorch begins with.
  private static let pickleStart: UInt8 = 0x80

  /// The format of an archive whose first member does not tell it: it was packed again.
  private static func archiveFormat(_ file: ReadableFile, _ start: [UInt8]) throws
    -> (any CheckpointFormat.Type)?
  {
    guard start.starts(with: [0x50, 0x4B, 0x03, 0x04]) else { return nil }
    do {
      let members = try ZipFile(file, size: file.size).members.map(\.name)
      if let format = CheckpointFormats.all.first(where: { $0.recognizes(members: members) }) {
        return format
      }
      if let folder = commonFolder(of: members) {
        let inner = members.map { String($0.dropFirst(folder.count + 1)) }
        if CheckpointFormats.all.contains(where: { $0.recognizes(members: inner) }) {
          throw CheckpointError(
            .badInput, file.path, "its members lie in the folder '\(folder)' of the archive",
            hint:
              "pack them without it: unzip it, then (cd \(folder) && zip -0 -r ../\(file.path.lastComponent?.string ?? "model.zip") .)"
          )
        }
      }
      return nil
    } catch let error as ZipError {
      throw CheckpointError(file.path, error)
    }
  }

  /// The folder that all members of an archive are in; nil when there is none.
  private static func commonFolder(of members: [String]) -> String? {
    guard let folder = members.first?.split(separator: "/").first.map(String.init) else {
      return nil
    }
    return members.allSatisfy { $0.hasPrefix(folder + "/") } ? folder : nil
  }

  /// Files that people often have in place of a checkpoint.
  static func knownProblem(_ start: [UInt8]) -> (what: String, hint: String)? {
    if start.starts(with: Array("version https://git-lfs".utf8)) {
      let lines = String(decoding: start, as: UTF8.self).split(separator: "\n")
      let size = lines.first { $0.hasPrefix("size ") }.flatMap { Int($0.dropFirst(5)) }
      let itself = size.map { ", which has \(ByteCount.text($0))" } ?? ""
      return (
        "it is a git-lfs pointer, not the file itself\(itself)", "fetch the file: git lfs pull"
      )
    }
    let text = String(decoding: start, as: UTF8.self).lowercased().drop { $0.isWhitespace }
    if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") {
      return (
        "it is a web page, not a checkpoint",
        "the download got a page (a log-in or an error): download the file itself"
      )
    }
    if text.hasPrefix("<?xml") || text.hasPrefix("<error") {
      return (
        "it is an XML message, not a checkpoint",
        "the download got a server's message: download the file itself"
      )
    }
    if start.dropFirst(257).starts(with: Array("ustar".utf8)) {
      return (
        "it is a tar archive, as NeMo packs its models, and archives are not unpacked",
        "unpack the weights and name them: tar xf FILE, then model_weights.ckpt for a .nemo file"
      )
    }
    return foreignFormat(start).map { name in
      (
        "it is \(name), which this version does not read",
        "formats that it reads: "
          + CheckpointFormats.all.map { $0.name }.joined(separator: ", ")
      )
    }
  }

  private static func foreignFormat(_ start: [UInt8]) -> String? {
    let signatures: [([UInt8], String)] = [
      ([0x50, 0x4B, 0x03, 0x04], "a ZIP archive"),
      ([0x50, 0x4B, 0x05, 0x06], "an empty ZIP archive"),
      ([0x1F, 0x8B], "a gzip file"),
      ([0x28, 0xB5, 0x2F, 0xFD], "a Zstandard file"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz file"),
      (Array("BZh".utf8), "a bzip2 file"),
    ]
    return signatures.first { signature, _ in start.starts(with: signature) }?.1
  }
}
