package import FileIO
package import TensorCore
package import ZipArchive

/// A checkpoint of PyTorch that is open for reading: its pickle as data, and where its storages are.
package struct PyTorchFile: Sendable {
  /// What it is as a file.
  package enum Container: Sendable {
    /// A ZIP archive, all of whose members are in a folder of this name.
    case zip(ZipFile, root: String)
    /// Pickles and storages one behind the other, as before version 1.6.
    case legacy
  }

  /// What it is as a file.
  package let container: Container
  /// The order of the bytes of each number.
  package let byteOrder: ElementEncoding.ByteOrder
  private var pickle: StoragePickle

  /// The pickle of the object.
  var tree: PickleTree { pickle.tree }
  /// The storages, in the order of the pickle.
  package var storages: [PyTorchStorage] { pickle.storages }

  /// A pickle larger than this is none of a checkpoint: one with a hundred thousand tensors has some 20 MB.
  static let maximumPickleSize = 128 << 20

  /// Reads the structure of a file, but no tensors.
  ///
  /// Deflated members are decompressed into a file without a name.
  /// - Throws: `PyTorchError`, `ZipError`, `FileError`.
  package init(_ file: ReadableFile) throws {
    let start = try file.bytes(in: 0..<min(file.size, 512))
    if let problem = PyTorchFile.oldFormat(start) { throw problem }
    if start.starts(with: [0x50, 0x4B]) {
      let archive = try PyTorchArchive(file)
      container = .zip(archive.zip, root: archive.root)
      byteOrder = archive.byteOrder
      pickle = archive.pickle
      try archive.locate(&pickle.storages)
      try pickle.addArrays(byteOrder)
    } else {
      let legacy = try LegacyFile(file)
      container = .legacy
      byteOrder = legacy.byteOrder
      pickle = legacy.pickle
      try legacy.locate(&pickle.storages)
      try pickle.addArrays(byteOrder)
    }
  }

  /// Whether the file starts like one of PyTorch: an archive whose first member is known, or a pickle.
  package static func recognizes(start: [UInt8]) -> Bool {
    if start.starts(with: [0x50, 0x4B, 0x03, 0x04]), start.count > 30 {
      let length = Int(start[26]) | Int(start[27]) << 8
      let name = String(decoding: start.dropFirst(30).prefix(length), as: UTF8.self)
      return recognizes(member: name)
    }
    if oldFormat(start) != nil { return true }
    return start.count > 2 && start[0] == 0x80 && (2...5).contains(start[1])
  }

  /// Whether a member is one that only archives of PyTorch have.
  package static func recognizes(member name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 2 else { return false }
    return parts[1...] == ["data.pkl"] || parts[1...] == ["byteorder"]
      || parts[1...] == ["constants.pkl"] || parts[1] == "code"
      || parts[1...] == [".data", "serialization_id"]
  }

  private static func oldFormat(_ start: [UInt8]) -> PyTorchError? {
    if start.starts(with: Array("PYTORCH1".utf8)) {
      return .unsupported(
        "it has the preview format PYTORCH1, which no release of PyTorch reads",
        hint: "save it again with the program that made it")
    }
    let isTar = start.count > 262 && start[257..<262].elementsEqual("ustar".utf8)
    let firstNames = ["sys_info", "pickle", "storages", "tensors", "./"]
    let name = String(decoding: start.prefix { $0 != 0 }.prefix(100), as: UTF8.self)
    guard isTar, firstNames.contains(name) else { return nil }
    return .unsupported(
      "it is a tar file of PyTorch 0.1, which is not read",
      hint: "load it in PyTorch and save it again: torch.save(torch.load('old.pt'), 'new.pt')")
  }

  /// The number of the storage that a value refers to.
  func storageNumber(of value: PickleValue) -> Int? { pickle.storageNumber(of: value) }

  /// The array of NumPy that a value is, as a view of a storage; nil for others.
  func array(_ value: PickleValue) -> TensorView? {
    if case .object(let number) = value { pickle.arrays[number] } else { nil }
  }
}

extension PyTorchFile {
  /// Whether PyTorch's loader for weights alone accepts the pickle as it is.
  package var isPlain: Bool { tree.isPlain }
}
