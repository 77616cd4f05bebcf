import FileIO
import SystemPackage
import TensorCore

/// Checkpoints of one run, among which some may stand for others: links, copies of the last or best one, the same
/// weights in another format or dtype.
struct CheckpointSeries {
  private let paths: [FilePath]

  init(_ paths: [FilePath]) { self.paths = paths }

  /// What programs call a checkpoint that they have under another name, too.
  private static let roles: Set<String> = ["best", "last", "latest", "final"]
  /// What a name has in addition when it is another version of the same checkpoint.
  private static let variants: Set<String> = [
    "fp16", "bf16", "fp32", "fp8", "int8", "int4", "ema", "emaonly", "non", "pruned", "half",
    "quantized", "averaged",
  ]

  /// The checkpoints without those that repeat another one, and a sentence for each that is left out.
  func distinct() -> (kept: [FilePath], leftOut: [String]) {
    var (kept, leftOut) = withoutVariants()
    for path in CheckpointSeries(kept).byTrust {
      guard kept.count > 1, let other = CheckpointSeries(kept).original(of: path) else { continue }
      kept.removeAll { $0 == path }
      leftOut.append("\(path) is left out: it is \(other.how) \(other.path)")
    }
    return (kept, leftOut)
  }

  /// The checkpoints in the order of training, and those whose names do not tell where they stand though those of
  /// others do.
  ///
  /// The numbers in their names order them; what is called the last one comes last.
  func placed() -> (ordered: [FilePath], unplaced: [FilePath]) {
    let ordered = paths.map { ($0, NaturalOrder($0.string)) }.sorted { $0.1 < $1.1 }.map(\.0)
    let numbered = ordered.filter { Name($0).isNumbered }
    if numbered.isEmpty { return (ordered, []) }
    let others = ordered.filter { !Name($0).isNumbered }
    let isLast = others.map { !Name($0).words.isDisjoint(with: ["last", "latest", "final"]) }
    let last = zip(others, isLast).filter(\.1).map(\.0)
    return (numbered + last, zip(others, isLast).filter { !$0.1 }.map(\.0))
  }

  // MARK: - Copies

  /// Those whose names say least of which checkpoint they are come first: they are the copies. Of equal ones, names
  /// that say more than the number do.
  private var byTrust: [FilePath] {
    let numbered = paths.filter { Name($0).isNumbered }
    return paths.filter { !Name($0).isNumbered }
      + numbered.sorted { $0.string.utf8.count > $1.string.utf8.count }
  }

  /// The checkpoint that another one repeats.
  private func original(of path: FilePath) -> (path: FilePath, how: String)? {
    guard let status = FileStatus(of: path) else { return nil }
    let name = Name(path)
    for other in paths where other != path {
      if FileStatus(of: other)?.identity == status.identity {
        // Of two names of a file, the one that is no link stays.
        let isLink = FileStatus(ofLink: path)?.kind == .symbolicLink
        let isOtherLink = FileStatus(ofLink: other)?.kind == .symbolicLink
        if isLink || !isOtherLink { return (other, "the same file as") }
      }
    }
    let candidates = paths.filter { other in
      other != path && (!name.isNumbered || Name(other).numbers == name.numbers)
    }
    return candidates.reversed().first { SameWeights.areSame(path, $0) }
      .map { ($0, "a copy of") }
  }

  // MARK: - Variants

  /// Of files that have one name but for the format or dtype, the one that loaders prefer.
  private func withoutVariants() -> (kept: [FilePath], leftOut: [String]) {
    var best: [String: FilePath] = [:]
    for path in paths where FileStatus(of: path)?.kind == .file {
      let name = Name(path)
      let key = path.folder.appending(name.stem).string
      guard let other = best[key] else {
        best[key] = path
        continue
      }
      if name.rank < Name(other).rank { best[key] = path }
    }
    var leftOut: [String] = []
    let kept = paths.filter { path in
      let key = path.folder.appending(Name(path).stem).string
      guard let chosen = best[key], chosen != path, FileStatus(of: path)?.kind == .file else {
        return true
      }
      leftOut.append("\(path) is left out: by its name it is another version of \(chosen)")
      return false
    }
    return (kept, leftOut)
  }

  /// What the name of a checkpoint tells.
  private struct Name {
    /// The name without the marks of a variant and without the end that tells the format.
    let stem: String
    /// How far it is from what loaders prefer: marks of variants, then the place of its format.
    let rank: (marks: Int, format: Int)
    /// The words in it.
    let words: Set<String>
    /// The numbers in it, without leading zeros.
    let numbers: [String]

    /// Whether it has a number, and does not stand for another one: `step-10`, not `best-10`.
    var isNumbered: Bool { !numbers.isEmpty && words.isDisjoint(with: CheckpointSeries.roles) }

    init(_ path: FilePath) {
      let name = path.lastComponent?.string ?? ""
      let suffixes = CheckpointFormats.all.enumerated().flatMap { place, format in
        format.suffixes.map { (place, $0) }
      }
      let end = suffixes.filter { name.hasSuffix($0.1) }.max { $0.1.count < $1.1.count }
      var base = name.dropLast(end?.1.count ?? 0)
      if base.hasSuffix(".weights") { base = base.dropLast(8) }
      words = Set(base.lowercased().split { !$0.isLetter }.map(String.init))
      numbers = base.split { !$0.isASCII || !$0.isNumber }.map { String($0.drop { $0 == "0" }) }
      var marks = 0
      while let mark = base.lastIndex(where: { "._-".contains($0) }), mark > base.startIndex,
        CheckpointSeries.variants.contains(base[base.index(after: mark)...].lowercased())
      {
        base = base[..<mark]
        marks += 1
      }
      stem = String(base)
      rank = (marks, end?.0 ?? suffixes.count)
    }
  }
}

/// Whether two checkpoints hold the same weights, found out by reading them up to the first difference.
enum SameWeights {
  private static let blockSize = 1 << 20

  /// False also for what cannot be read, which is told when it is opened.
  static func areSame(_ first: FilePath, _ second: FilePath) -> Bool {
    (try? areEqual(CheckpointReader(opening: first), CheckpointReader(opening: second))) ?? false
  }

  private static func areEqual(_ first: CheckpointReader, _ second: CheckpointReader) throws -> Bool
  {
    guard first.weights.count == second.weights.count, first.weights.count > 0,
      first.weights.byteCount > 0
    else { return false }
    for (position, tensor) in first.weights.tensors.enumerated() {
      guard let place = second.weights.position(ofNameOf: tensor, expected: position),
        second.weights.tensors[place].isAlike(tensor),
        try haveSameBytes(tensor, second.weights.tensors[place])
      else { return false }
    }
    return true
  }

  private static func haveSameBytes(_ first: Tensor, _ second: Tensor) throws -> Bool {
    let count = first.info.byteCount
    let buffers = [0, 0].map { _ in ByteBuffer(count: min(blockSize, count)) }
    for start in stride(from: 0, to: count, by: blockSize) {
      let range = start..<min(start + blockSize, count)
      try first.read(bytes: range, into: buffers[0], at: 0)
      try second.read(bytes: range, into: buffers[1], at: 0)
      let length = 0..<range.count
      if buffers[0].bytes(in: length) != buffers[1].bytes(in: length) { return false }
    }
    return true
  }
}
