import FileIO
import JSONText
import PyTorchFormat
import SystemPackage
import TensorCore
import ZipArchive

/// A file of PyTorch, of which the output keeps what is not averaged.
public struct PyTorchStructure: Sendable {
  let file: ReadableFile
  let contents: PyTorchFile
  let dictionary: StateDictionary

  /// The name of the file.
  var fileName: String? { file.path.lastComponent?.string }
  /// The bytes of all storages, whatever of them is a tensor.
  var storedByteCount: Int { contents.storages.reduce(0) { $0 + $1.byteCount } }

  /// The member with the metadata, which other programs pass over.
  static let metadataName = "imwa.json"
  private static let maximumMetadataSize = 16 << 20

  /// The texts that the toolkit keeps in a member of its own.
  func metadata() throws -> [ExactString: String] {
    guard case .zip(let archive, let root) = contents.container,
      let member = archive["\(root)/\(PyTorchStructure.metadataName)"]
    else { return [:] }
    let bytes = try archive.bytes(of: member, limit: PyTorchStructure.maximumMetadataSize)
    guard let value = try? JSONValue(parsing: bytes), case .object(let members) = value else {
      throw CheckpointError(
        .badInput, file.path, "its member '\(member.name)' is no JSON object of texts")
    }
    var metadata: [ExactString: String] = [:]
    for member in members {
      if case .string(let text) = member.value { metadata[ExactString(member.key)] = text }
    }
    return metadata
  }

  /// The metadata as the bytes of their member.
  static func encode(_ metadata: [ExactString: String]) -> [UInt8] {
    let members = metadata.sorted { $0.key < $1.key }.map { key, text in
      JSONValue.Member(key.text, .string(text))
    }
    return Array(JSONValue.object(members).text.utf8)
  }
}

/// Makes tensors of views of storages; the same view is the same place.
struct PyTorchSources {
  private let contents: PyTorchFile
  private var reversed: [Reversal: ReversedBytes] = [:]
  private var gathered: [TensorView: any ByteSource] = [:]

  private struct Reversal: Hashable {
    let source: ObjectIdentifier
    let width: Int
  }

  init(_ contents: PyTorchFile) { self.contents = contents }

  mutating func tensor(_ entry: StateDictionary.Entry) throws -> Tensor {
    let view = entry.view
    let info = try TensorInfo(name: entry.name, dtype: view.dtype, shape: view.shape)
    guard info.byteCount > 0 else {
      return Tensor(info, storage: .bytes(MemoryBytes([]), offset: 0), declaredRole: entry.role)
    }
    let storage = contents.storages[view.storage]
    let offset = storage.offset + view.byteOffset
    if view.isContiguous {
      let source = ordered(storage.source, view.dtype)
      return Tensor(info, storage: .bytes(source, offset: offset), declaredRole: entry.role)
    }
    let source = gathered[view] ?? gather(view, ordered(storage.source, view.dtype), offset)
    gathered[view] = source
    return Tensor(info, storage: .bytes(source, offset: 0), declaredRole: entry.role)
  }

  /// A source with the bytes of numbers in little-endian order.
  private mutating func ordered(_ source: any ByteSource, _ dtype: DType) -> any ByteSource {
    let encoding = ElementEncoding(dtype, byteOrder: contents.byteOrder)
    guard let width = encoding.reversedWidth else { return source }
    let reversal = Reversal(source: ObjectIdentifier(source), width: width)
    if let known = reversed[reversal] { return known }
    let made = ReversedBytes(source, width: width)
    reversed[reversal] = made
    return made
  }

  private func gather(_ view: TensorView, _ source: any ByteSource, _ offset: Int) -> any ByteSource
  {
    let unit = view.dtype.elementUnit
    let strided = StridedBytes(source, offset: offset, width: unit, layout: view.layout)
    // A conjugate that is negated has its real parts changed, and its imaginary parts twice.
    var result: any ByteSource = strided
    let part = view.dtype.kind == .complex ? unit / 2 : unit
    if view.isNegated { result = NegatedBytes(result, width: part, onlyEverySecond: false) }
    if view.isConjugated { result = NegatedBytes(result, width: part, onlyEverySecond: true) }
    return result
  }
}
