import FileIO
import TensorCore
import ZipArchive

/// The ZIP archive that PyTorch writes since version 1.6.
struct PyTorchArchive {
  let zip: ZipFile
  /// The folder that all members are in.
  let root: String
  let tree: PickleTree
  let byteOrder: ElementEncoding.ByteOrder
  private let file: ReadableFile

  init(_ file: ReadableFile) throws {
    self.file = file
    zip = try ZipFile(file, size: file.size)
    guard let first = zip.members.first, let slash = first.name.firstIndex(of: "/") else {
      throw PyTorchArchive.none
    }
    root = String(first.name[..<slash])
    try PyTorchArchive.checkKind(zip, root)
    guard let pickle = zip[root + "/data.pkl"] else { throw PyTorchArchive.none }
    guard let version = zip[root + "/version"] else {
      throw PyTorchError.damaged("the member '\(root)/version' is missing")
    }
    let text = String(decoding: try zip.bytes(of: version, limit: 64), as: UTF8.self)
    guard let number = Int(text.filter { !$0.isWhitespace }), (1...10).contains(number) else {
      throw PyTorchError.unsupported("its version is '\(text)'; 1 to 10 are known")
    }
    byteOrder = try PyTorchArchive.byteOrder(zip, root)
    let bytes = try zip.bytes(of: pickle, limit: PyTorchFile.maximumPickleSize)
    tree = try PickleParser.parse(bytes)
    // No version of PyTorch writes any, and a copy of the file would carry them on unseen.
    guard tree.end == bytes.count else {
      throw PyTorchError.damaged(
        "\(bytes.count - tree.end) bytes follow the end of the pickle in '\(root)/data.pkl'")
    }
  }

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

  /// Finds the members of storages; decompresses what is deflated.
  func locate(_ storages: inout [PyTorchStorage]) throws {
    var deflated: [(number: Int, member: ZipMember)] = []
    for (number, storage) in storages.enumerated() {
      guard let member = zip["\(root)/data/\(storage.key)"] else {
        throw PyTorchError.damaged("the storage '\(storage.key)' is missing")
      }
      guard member.byteCount == storage.byteCount else {
        throw PyTorchError.damaged(
          "the storage '\(storage.key)' should have \(storage.byteCount) bytes, but has "
            + "\(member.byteCount)")
      }
      switch member.method {
      case .stored:
        storages[number].source = zip.source
        storages[number].offset = member.dataRange.lowerBound
      case .deflated: deflated.append((number, member))
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
