import FileIO
import JSONText
import NumPyFormat
import SystemPackage
import TensorCore
import ZipArchive

/// An archive of arrays, of which the output keeps the order, and the members that are no numbers.
public struct NumPyArchive: Sendable {
  /// A member, and the tensor that it is.
  struct Entry: Sendable {
    let member: ZipMember
    /// nil for what is no array of numbers.
    let tensor: Tensor?
  }

  static let suffix = ".npy"

  let archive: ZipFile
  let entries: [Entry]
  /// What is no array of numbers.
  private let others: [String]
  /// Arrays that may be weights, but are not read.
  private let unreadable: [UnreadableTensor]

  /// Reads the headers of all arrays; decompresses what is deflated.
  ///
  /// - Throws: `ZipError`, `NumPyError`, `FileError`.
  init(_ archive: ZipFile, label: String) throws {
    self.archive = archive
    let deflated = archive.members.filter {
      $0.method == .deflated && $0.name.hasSuffix(NumPyArchive.suffix)
    }
    let inflated = deflated.isEmpty ? nil : try archive.inflated(deflated, label: label)
    var places: [ExactString: Int] = [:]
    for (member, offset) in zip(deflated, inflated?.offsets ?? []) {
      places[ExactString(member.name)] = offset
    }
    var entries: [Entry] = []
    var others: [String] = []
    var unreadable: [UnreadableTensor] = []
    for member in archive.members where !member.isFolder {
      guard member.name.hasSuffix(NumPyArchive.suffix) else {
        entries.append(Entry(member: member, tensor: nil))
        others.append("'\(member.name)'")
        continue
      }
      let name = String(member.name.dropLast(NumPyArchive.suffix.count))
      var source = archive.source
      var range = member.dataRange
      if let offset = places[ExactString(member.name)], let inflated {
        source = inflated.source
        range = offset..<offset + member.byteCount
      }
      do {
        let array = try NumPyArray(source, in: range)
        let tensor = try array.tensor(named: name)
        entries.append(Entry(member: member, tensor: tensor))
        if tensor != nil { continue }
        if let problem = NumPyArchive.problem(of: array.header, name) {
          unreadable.append(problem)
        } else {
          others.append("'\(name)' (\(array.header.elementsText))")
        }
      } catch let error as NumPyError {
        throw error.of(name)
      }
    }
    self.entries = entries
    self.others = others
    self.unreadable = unreadable
  }

  /// Why an array that may be of weights is not read; nil for one that holds none: a single object is a configuration.
  private static func problem(of header: ArrayHeader, _ name: String) -> UnreadableTensor? {
    switch header.elements {
    case .objects where header.shape.rank > 0:
      UnreadableTensor(
        name: name, reason: "its elements are Python objects, which are never run",
        hint: "save numbers in place of objects: numpy.savez with an argument for each array")
    case .unreadNumbers(let text):
      UnreadableTensor(
        name: name, reason: "its elements are \(text), which no dtype has",
        hint: "numpy.savez saves numbers that have one: a.astype('f4')")
    case .numbers, .objects, .other: nil
    }
  }

  /// The checkpoint that the arrays are.
  func reader(at path: FilePath, files: [ReadableFile], arrangement: CheckpointReader.Arrangement)
    throws
    -> CheckpointReader
  {
    let weights = try WeightMap(entries.compactMap(\.tensor), metadata: metadata)
    var reader = CheckpointReader(
      path: path, weights: weights, files: files, arrangement: arrangement)
    reader.otherContents = others
    reader.ownParts = { [entries] _ in
      entries.filter { $0.tensor == nil }.map { entry in
        let checksum = String(entry.member.checksum, radix: 16)
        return ModelPart(
          name: "'\(entry.member.name)'",
          content: .text("\(entry.member.byteCount) bytes, CRC-32 \(checksum)"))
      }
    }
    reader.unreadable = unreadable
    reader.checksWhatIsRead = true
    reader.checksums = { [archive] threads in
      do {
        // Arrays that are deflated were checked when they were decompressed.
        let members = archive.members.filter {
          $0.method == .stored || !$0.name.hasSuffix(NumPyArchive.suffix)
        }
        try archive.verify(members, threads: threads)
      } catch let error as ZipError {
        throw CheckpointError(path, error)
      }
    }
    return reader
  }

  /// The texts that the toolkit keeps in the comment.
  private var metadata: [ExactString: String] {
    guard let value = try? JSONValue(parsing: archive.comment), case .object(let members) = value
    else { return [:] }
    var metadata: [ExactString: String] = [:]
    for member in members {
      if case .string(let text) = member.value { metadata[ExactString(member.key)] = text }
    }
    return metadata
  }
}
