public import Checkpoints
import FileIO
public import SystemPackage
public import TensorCore

/// What is wrong with a checkpoint, found by reading all of it.
public struct CheckpointVerification: Sendable {
  /// Something that is wrong.
  public struct Problem: Sendable {
    /// The sentence, with the file where it is one of several.
    public let description: String
    /// The likely cause or the way out.
    public let hint: String?
  }

  /// The file, folder or index.
  public let path: FilePath
  /// The name of the format; nil when the file cannot be opened.
  public private(set) var format: String?
  /// How many tensors there are.
  public private(set) var tensorCount = 0
  /// How many bytes the values have.
  public private(set) var byteCount = 0
  /// The tensors whose values this version does not read, and which are no damage.
  public private(set) var unreadable: [UnreadableTensor] = []
  /// How many files there are.
  public private(set) var fileCount = 0
  /// What a user should know although nothing is wrong.
  public private(set) var notices: [String] = []
  /// What is wrong.
  public private(set) var problems: [Problem] = []

  /// Whether nothing is wrong.
  public var isSound: Bool { problems.isEmpty }

  /// Opens a checkpoint, checks its structure, its checksums and an index against its shards, and reads every value
  /// where no checksum vouches for it.
  ///
  /// - Parameter checksValues: whether NaN and infinity are wrong.
  /// - Throws: what keeps the checkpoint from being judged: it does not exist, reading fails, an interruption.
  public init(
    of path: FilePath, checksValues: Bool = false, options: StreamOptions = StreamOptions()
  ) throws {
    self.path = path
    let exists = FileStatus(of: path) != nil
    do {
      let reader = try CheckpointReader(opening: path)
      format = reader.format.name
      tensorCount = reader.weights.count
      byteCount = reader.weights.byteCount
      unreadable = reader.unreadable
      fileCount = reader.files.count
      notices = reader.notices
      noteName(reader)
      try checkData(of: reader, checksValues: checksValues, options)
    } catch let error as any DiagnosedError {
      switch error.kind {
      case .badInput, .usage: break
      case .missingInput where exists: break
      default: throw error
      }
      problems.append(Problem(description: error.description, hint: error.hint))
    }
  }

  /// Tells that a checkpoint could not be judged.
  public init(of path: FilePath, preventedBy error: any DiagnosedError) {
    self.path = path
    problems = [Problem(description: error.description, hint: error.hint)]
  }

  private mutating func checkData(
    of reader: CheckpointReader, checksValues: Bool, _ options: StreamOptions
  ) throws {
    try reader.checksums?(options.threads)
    if checksValues {
      let found = try NonFiniteValues(in: reader.weights, options: options).findings
      problems += found.map { Problem(description: "\(path): \($0.sentence)", hint: nil) }
    } else if reader.checksums == nil {
      var options = options
      options.nonFinite = .allow
      _ = try BlockReductions(
        try reader.weights.tensors.map { [try $0.rawBytes()] }, inputCount: 1, options: options
      ).run(ReadingReduction())
    }
  }

  /// Other programs go by the end of a name.
  private mutating func noteName(_ reader: CheckpointReader) {
    guard reader.folder == nil, reader.files.count == 1, let file = reader.files.first,
      let promised = CheckpointFormats.format(forOutput: file.path),
      promised.name != reader.format.name
    else { return }
    problems.append(
      Problem(
        description: "\(path): it is a sound \(reader.format.name) file, but is named like "
          + "\(promised.name)",
        hint: "it was renamed: let its name end in \(reader.format.suffixes[0]), or convert it"))
  }
}

extension NonFiniteValues.Finding {
  /// `tensor 'a': 3 NaN and 1 infinity, the first at [0, 3]`.
  public var sentence: String {
    var kinds: [String] = []
    if nanCount > 0 { kinds.append("\(nanCount) NaN") }
    if infinityCount > 0 {
      kinds.append("\(infinityCount) \(infinityCount == 1 ? "infinity" : "infinities")")
    }
    let indexes = tensor.indexes(of: firstPlace)
    let place = indexes.isEmpty ? "" : ", the first at \(indexes)"
    return "tensor '\(tensor.name)': \(kinds.joined(separator: " and "))\(place)"
  }
}

/// Reads values and does nothing with them: that they can be read and decoded is what is checked.
private struct ReadingReduction: BlockReduction {
  func makeWorker() -> Worker { Worker() }

  mutating func add(_ partial: Bool, ofRow row: Int) {}

  final class Worker: ReductionWorker {
    func reduce(_ operands: BlockOperands, firstElement: Int, in buffer: ByteBuffer)
      -> (partial: Bool, isFinite: Bool)
    {
      (true, true)
    }
  }
}
