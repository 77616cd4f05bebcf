import FileIO
import TensorCore
import ZipArchive

/// The ZIP archive that PyTorch writes since version 1.6.
struct PyTorchArchive {
  let zip: ZipFile
  /// The folder that all members are in.
  let root: String
  let pickle: StoragePickle
  let byteOrder: ElementEncoding.ByteOrder
  private let file: ReadableFile

  init(_ file: ReadableFile) throws {
    self.file = file
    // Of tens of thousands of tensors, both take long.
    let (zip, pickle) = try ZipFile.open(file, size: file.size) { listing in
      try PyTorchArchive.pickle(in: listing)
    }
    self.zip = zip
    guard zip.prefixByteCount == 0 else { throw PyTorchArchive.severalArchives }
    guard let root = PyTorchArchive.root(of: zip.members.first?.name) else {
      throw PyTorchArchive.none
    }
    self.root = root
    try PyTorchArchive.checkKind(zip, root)
    guard zip[root + "/data.pkl"] != nil else { throw PyTorchArchive.none }
    guard let version = zip[root + "/version"] else {
      throw PyTorchError.damaged("the member '\(root)/version' is missing")
    }
    let text = String(decoding: try zip.bytes(of: version, limit: 64), as: UTF8.self)
    guard let number = Int(text.filter { !$0.isWhitespace }), (1...10).contains(number) else {
      throw PyTorchError.unsupported("its version is '\(text)'; 1 to 10 are known")
    }
    byteOrder = try PyTorchArchive.byteOrder(zip, root)
    self.pickle = try pickle.get()
  }

  /// The folder that a member is in.
  private static func root(of name: String?) -> String? {
    guard let name, let slash = name.firstIndex(of: "/") else { return nil }
    return String(name[..<slash])
  }

  private static func pickle(in listing: ZipListing) throws -> StoragePickle {
    guard let root = root(of: listing.firstName),
      let bytes = try listing.bytes(
        named: root + "/data.pkl", limit: PyTorchFile.maximumPickleSize)
    else { throw none }
    // What is made of a pickle takes several times its size.
    CurrentProcess.reserveMemory(bytes.count * 6)
    let tree = try PickleParser.parse(bytes)
    // No version of PyTorch writes any, and a copy of the file would carry them on unseen.
    guard tree.end == bytes.count else {
      throw PyTorchError.damaged(
        "\(bytes.count - tree.end) bytes follow the end of the pickle in '\(root)/data.pkl'")
    }
    return try StoragePickle(tree)
  }

  private static let severalArchives = PyTorchError(
    .unsupported,
    "it holds several archives one after another: it is a part of a distributed checkpoint "
      + "(torch.distributed.checkpoint), and its last tensor alone would be read",
    hint:
      "put the parts together: python -m torch.distributed.checkpoint.format_utils dcp_to_torch "
      + "CHECKPOINT_FOLDER model.pt")

  private static let none = PyTorchError(
    .notPyTorch,
    "it is a ZIP archive, but has no member 'data.pkl' in a folder as PyTorch writes it")

  /// Refuses archives that hold programs.
  private static func checkKind(_ zip: ZipFile, _ root: String) throws {
    let isScript =
      zip[root + "/constants.pkl"] != nil
      || zip.members.contains { $0.name.hasPrefix(root + "/code/") }
    if isScript {
      throw PyTorchError.unsupported(
        "it is a TorchScript program, not a checkpoint",
        hint:
          "in Python, save its weights: torch.save(torch.jit.load('in.pt').state_dict(), 'out.pt')")
    }
    if zip[root + "/archive_format"] != nil {
      throw PyTorchError.unsupported(
        "it is an exported program (.pt2), not a checkpoint",
        hint:
          "in Python, save its weights: torch.save(torch.export.load('in.pt2').state_dict, 'out.pt')"
      )
    }
  }

  private static func byteOrder(_ zip: ZipFile, _ root: String) throws -> ElementEncoding.ByteOrder
  {
    guard let member = zip[root + "/byteorder"] else { return .littleEndian }
    switch String(decoding: try zip.bytes(of: member, limit: 64), as: UTF8.self) {
    case "little": return .littleEndian
    case "big": return .bigEndian
    case let other: throw PyTorchError.damaged("its byte order is '\(other)'")
    }
  }

  /// The positions of the members that have the bytes of storages, by their keys.
  private func storageMembers() -> StorageKeys {
    let prefix = Array("\(root)/data/".utf8)
    var members = StorageKeys()
    for position in zip.members.indices {
      let name = zip.members[position].name.utf8
      if name.starts(with: prefix) { members[name.dropFirst(prefix.count)] = position }
    }
    return members
  }

  /// Finds the members of storages; decompresses what is deflated.
  func locate(_ storages: inout [PyTorchStorage]) throws {
    var deflated: [(number: Int, member: ZipMember)] = []
    let members = storageMembers()
    for (number, storage) in storages.enumerated() {
      guard let position = members[storage.key.utf8[...]] else {
        throw PyTorchError.damaged("the storage '\(storage.key)' is missing")
      }
      let byteCount = zip.members[position].byteCount
      guard byteCount == storage.byteCount else {
        throw PyTorchError.damaged(
          "the storage '\(storage.key)' should have \(storage.byteCount) bytes, but has \(byteCount)"
        )
      }
      switch zip.members[position].method {
      case .stored:
        storages[number].source = zip.source
        storages[number].offset = zip.members[position].dataRange.lowerBound
      case .deflated: deflated.append((number, zip.members[position]))
      }
    }
    if deflated.isEmpty { return }
    deflated.sort { $0.member.dataRange.lowerBound < $1.member.dataRange.lowerBound }
    let (source, offsets) = try zip.inflated(deflated.map(\.member), label: file.label)
    for (entry, offset) in Swift.zip(deflated, offsets) {
      storages[entry.number].source = source
      storages[entry.number].offset = offset
    }
  }
}
