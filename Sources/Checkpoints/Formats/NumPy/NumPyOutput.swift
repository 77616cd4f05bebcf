import JSONText
import NumPyFormat
import TensorCore
import ZipArchive

/// Plans an archive of arrays.
struct NumPyOutput {
  private let weights: WeightMap
  private let archive: NumPyArchive?

  /// Members begin so that elements do at such a place, too: headers have a multiple of this.
  private static let alignment = 64
  private static let maximumCommentSize = 0xFFFF

  /// Plans an archive.
  ///
  /// - Parameter archive: the first input, whose other members are kept; nil for a new archive.
  init(_ weights: WeightMap, like archive: NumPyArchive?) {
    self.weights = weights
    self.archive = archive
  }

  /// Places the tensors.
  ///
  /// - Throws: `NumPyError` for a dtype that NumPy does not have, `ZipError`.
  func layout() throws -> OutputLayout {
    var plan = ArchivePlan(alignment: NumPyOutput.alignment)
    var isPlaced = [Bool](repeating: false, count: weights.count)
    for entry in archive?.entries ?? [] {
      guard let tensor = entry.tensor else {
        try carry(entry.member, to: &plan)
        continue
      }
      guard let position = weights.position(of: tensor.info.name) else { continue }
      isPlaced[position] = true
      try append(position, to: &plan)
    }
    for position in weights.tensors.indices where !isPlaced[position] {
      try append(position, to: &plan)
    }
    let (comment, leftOut) = comment()
    plan.comment = comment
    var layout = try plan.layout(weights)
    layout.notices += leftOut.map { key, count in
      "metadata '\(key)' of \(ByteCount.text(count)) does not fit into an .npz file: left out"
    }
    return layout
  }

  /// The header of an array.
  static func header(of info: TensorInfo) throws(NumPyError) -> [UInt8] {
    guard let header = ArrayHeader.encode(info) else { throw .unwritable(info) }
    return header
  }

  private func append(_ position: Int, to plan: inout ArchivePlan) throws {
    let info = weights.tensors[position].info
    let header = try NumPyOutput.header(of: info)
    let entry = ZipEntry(
      info.name + NumPyArchive.suffix, byteCount: header.count + info.byteCount,
      alignment: plan.alignment)
    plan.append(entry, parts: [.bytes(header), .tensor(position, reversedWidth: nil)])
  }

  private func carry(_ member: ZipMember, to plan: inout ArchivePlan) throws {
    guard let archive = archive?.archive else { return }
    plan.append(
      archive.entry(copying: member, alignment: plan.alignment),
      parts: [
        .carried(archive.source, offset: member.dataRange.lowerBound, count: member.dataRange.count)
      ])
  }

  /// The metadata that a comment has room for; of the others, the longest, their names and sizes.
  private func comment() -> (bytes: [UInt8], leftOut: [(key: String, count: Int)]) {
    var texts = weights.metadata.sorted { $0.key < $1.key }
    var leftOut: [(key: String, count: Int)] = []
    while !texts.isEmpty {
      let members = texts.map { JSONValue.Member($0.key.text, .string($0.value)) }
      let comment = Array(JSONValue.object(members).text.utf8)
      if comment.count <= NumPyOutput.maximumCommentSize { return (comment, leftOut) }
      let longest = texts.indices.max { texts[$0].value.utf8.count < texts[$1].value.utf8.count }
      guard let longest else { break }
      leftOut.append((texts[longest].key.text, texts[longest].value.utf8.count))
      texts.remove(at: longest)
    }
    return ([], leftOut)
  }
}
