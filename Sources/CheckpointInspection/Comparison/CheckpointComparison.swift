public import Checkpoints
import FileIO
import SystemPackage
public import TensorCore

/// What two checkpoints have not in common: names, shapes, dtypes, values, metadata, and what they hold beside tensors.
public struct CheckpointComparison: Sendable {
  /// Where the tensors of one name differ.
  public struct TensorDifference: Sendable {
    /// The tensor in the first and in the second checkpoint.
    public let first, second: TensorInfo
    /// The differences of the values; nil when they cannot be compared.
    public let values: ElementDifferences?

    /// Whether the shapes differ.
    public var hasOtherShape: Bool { first.shape != second.shape }
    /// Whether the dtypes differ.
    public var hasOtherDType: Bool { first.dtype != second.dtype }
  }

  /// An entry of the metadata that differs.
  public struct MetadataDifference: Sendable {
    /// The key.
    public let key: String
    /// The text in each; nil where it is missing.
    public let first, second: String?
  }

  /// The names that only the first, and only the second checkpoint has.
  public let onlyFirst, onlySecond: [TensorInfo]
  /// The tensors that differ, in the order of the first checkpoint.
  public let tensors: [TensorDifference]
  /// The metadata that differs, sorted by key.
  public let metadata: [MetadataDifference]
  /// Whether metadata counts: between files of one format, unless it was left out.
  public let metadataCounts: Bool
  /// What differs beside the tensors and the metadata: configurations, vocabularies, other values.
  public let parts: [PartDifference]
  /// What the files hold and could not be compared, with the reason.
  public let unread: [(name: String, reason: String)]
  /// How many tensors both have.
  public let commonCount: Int
  /// Whether tensors differ in their names alone, or some more, but all fit in their order.
  public let fitsByPosition: Bool

  /// Whether all was compared, and nothing that counts differs.
  public var isSame: Bool {
    onlyFirst.isEmpty && onlySecond.isEmpty && tensors.isEmpty
      && (metadata.isEmpty || !metadataCounts) && unread.isEmpty
      && parts.allSatisfy { $0.effect == .none }
  }

  /// Reads every value of both once, of the tensors that the patterns of a policy choose.
  ///
  /// Where a checkpoint came from, which the toolkit records, is no part of it.
  ///
  /// - Parameters:
  ///   - policy: whose patterns choose the tensors.
  ///   - match: how the tensors of one find those of the other.
  ///   - ignoresMetadata: whether nothing but tensors is compared.
  /// - Throws: `SelectionError` and `UnreadableError` for tensors that cannot be chosen or read, what reading throws,
  ///   and `StreamError` when it is interrupted.
  public init(
    of first: CheckpointReader, _ second: CheckpointReader,
    choosing policy: AlignmentPolicy = AlignmentPolicy(), match: AlignmentPolicy.Match = .name,
    tolerance: ElementTolerance = ElementTolerance(), ignoresMetadata: Bool = false,
    options: StreamOptions = StreamOptions()
  ) throws {
    let both = [first.weights, second.weights]
    let selection = try TensorSelection(policy, both)
    try selection.checkReadable(both, labels: [first.path.string, second.path.string])
    let left = try selection.chosen(of: both[0])
    let isByPosition = match == .position
    let chosen = try selection.chosen(of: both[1])
    let right = try isByPosition ? chosen.matched(to: left, of: first, second) : chosen
    fitsByPosition = !isByPosition && left.fits(right)
    onlyFirst = left.tensors.map(\.info).filter { right.position(of: $0.name) == nil }
    onlySecond = right.tensors.map(\.info).filter { left.position(of: $0.name) == nil }
    metadataCounts = !ignoresMetadata && first.format.name == second.format.name
    let others =
      try ignoresMetadata || CheckpointComparison.areCopies(first, second)
      ? PartComparison([], [])
      : PartComparison(
        first.allParts(), second.allParts(),
        onlyCommon: first.format.name != second.format.name)
    parts = others.differences
    unread = others.unread
    metadata =
      ignoresMetadata
      ? []
      : CheckpointComparison.metadata(left.metadata, right.metadata)
        .filter { !ModelPart.configurations.contains($0.key) }
    var pairs: [(first: Tensor, second: Tensor, row: Int?)] = []
    var rows: [[Tensor]] = []
    for (position, tensor) in left.tensors.enumerated() {
      guard let place = right.position(ofNameOf: tensor, expected: position) else { continue }
      let row = try CheckpointComparison.row(tensor, right.tensors[place])
      pairs.append((tensor, right.tensors[place], row.map { _ in rows.count }))
      if let row { rows.append(row) }
    }
    commonCount = pairs.count
    var options = options
    options.nonFinite = .allow
    let found = try BlockReductions(rows, inputCount: 2, options: options)
      .run(ComparisonReduction(rowCount: rows.count, tolerance: tolerance)).reduction.rows
    tensors = pairs.compactMap { pair in
      let values = pair.row.map { found[$0] }
      let isSame = pair.first.isAlike(pair.second) && values?.count == 0
      if isSame { return nil }
      return TensorDifference(first: pair.first.info, second: pair.second.info, values: values)
    }
  }

  /// Two tensors as they are compared; nil when shapes differ or the values have nothing in common.
  private static func row(_ first: Tensor, _ second: Tensor) throws -> [Tensor]? {
    guard first.info.shape == second.info.shape,
      ElementDifferences.canCompare(first.info.dtype, second.info.dtype)
    else { return nil }
    // Codes are compared byte by byte; some have less than a byte.
    if first.info.dtype.kind == .packed {
      return [try first.rawBytes(as: .float8E8M0), try second.rawBytes(as: .float8E8M0)]
    }
    return [first, second]
  }

  /// Whether both are of files with the same bytes, so that even what is not read is the same.
  private static func areCopies(_ first: CheckpointReader, _ second: CheckpointReader) throws
    -> Bool
  {
    guard first.folder == nil, second.folder == nil,
      first.files.map(\.size) == second.files.map(\.size)
    else { return false }
    let size = 1 << 20
    for (file, other) in zip(first.files, second.files) where file.identity != other.identity {
      for start in stride(from: 0, to: file.size, by: size) {
        let range = start..<min(start + size, file.size)
        if try file.bytes(in: range) != other.bytes(in: range) { return false }
      }
    }
    return true
  }

  private static func metadata(_ first: [ExactString: String], _ second: [ExactString: String])
    -> [MetadataDifference]
  {
    Set(first.keys).union(second.keys).sorted().compactMap { key in
      let texts = [first[key], second[key]].map { text in text.map { ExactString($0) } }
      if key == Provenance.key || texts[0] == texts[1] { return nil }
      // What lacks it is taken for PyTorch's.
      if key == "format", texts.map({ $0 ?? "pt" }) == ["pt", "pt"] { return nil }
      return MetadataDifference(key: key.text, first: first[key], second: second[key])
    }
  }
}

/// Adds the differences of blocks in their order.
private struct ComparisonReduction: BlockReduction {
  private(set) var rows: [ElementDifferences]
  private let tolerance: ElementTolerance

  init(rowCount: Int, tolerance: ElementTolerance) {
    rows = Array(repeating: ElementDifferences(), count: rowCount)
    self.tolerance = tolerance
  }

  func makeWorker() -> Worker { Worker(tolerance) }

  mutating func add(_ partial: ElementDifferences, ofRow row: Int) { rows[row].add(partial) }

  final class Worker: ReductionWorker {
    private let tolerance: ElementTolerance

    init(_ tolerance: ElementTolerance) { self.tolerance = tolerance }

    func reduce(_ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer)
      -> (partial: ElementDifferences, isFinite: Bool)
    {
      let found = ElementDifferences(
        operands, firstElement: firstElement, in: buffer, tolerance: tolerance)
      return (found, true)
    }
  }
}
